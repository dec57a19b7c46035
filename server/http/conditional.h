// Conditional requests (RFC 9110 13): has the client got this already?
// Never looks at anything but headers. Pure.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "server/http/message.h"

namespace cotter::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::time_t time);
/// The request's header of that lower-case name, or nullptr.
const std::string* header(const Request& request, const char* name);
/// Whether If-None-Match names the response's ETag; or, without that header, If-Modified-Since its very
/// Last-Modified (an older date than ours is another file after a restored backup, so it must be the same).
bool is_known(const Request& request, const Response& response);
/// Whether a Range may be served: If-Range is absent, or is the response's ETag or Last-Modified.
bool may_continue(const Request& request, const Response& response);

}  // namespace cotter::http
