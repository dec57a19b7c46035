// Errors as HTTP problems (RFC 9457): what went wrong, by which rule, what it looks like.
// Never shows a path of this machine or a secret. Pure.
#pragma once

#include <string_view>

#include "common/base/error.h"
#include "server/http/message.h"

namespace cotter::http {

/// `type` is "urn:cotter:rule:RULE" for a Rejection, with members `rule` and `attack`: 413 for a file too
/// large, 403 for another vehicle's identity, 422 for any other rule. A Fault is 404 (not found), 503 (busy),
/// 507 (no space) or 500, in general words: what it says belongs in the log.
Response problem(const Error& error);
Response problem(unsigned status, std::string_view title, std::string_view detail);

}  // namespace cotter::http
