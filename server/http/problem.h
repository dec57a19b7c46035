// Errors as HTTP problems (RFC 9457): what went wrong, by which rule, what it looks like.
// Never shows a path of this machine or a secret. Pure.
#pragma once

#include <string>

#include "common/base/error.h"
#include "server/http/message.h"

namespace cotter::http {

/// `type` is "urn:cotter:rule:RULE" for a Rejection, with members `rule` and `attack`. Status by kind: not
/// found 404, denied 403, too large 413, busy 503, no space 507, another vehicle's identity 403, another
/// broken rule 422, else 500.
Response problem(const Error& error);
Response problem(unsigned status, std::string title, std::string detail);

}  // namespace cotter::http
