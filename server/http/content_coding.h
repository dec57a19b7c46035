// Content codings (RFC 9110 12.5.3): may an answer be packed?
// Never looks at anything but headers. Pure.
#pragma once

#include <string_view>

#include "server/http/message.h"

namespace cotter::http {

/// Whether the request's Accept-Encoding admits gzip: by its name, or else by "*", and not with a weight of
/// 0. Without that header it does not.
bool admits_gzip(const Request& request);

/// Of files at the top of a repository: metadata whose content never changes. Images are sent as they are.
bool may_be_packed(std::string_view file_name);

}  // namespace cotter::http
