// Where to listen, as people write it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "server/http/server.h"

namespace cotter::http {

/// "127.0.0.1:8443", "[::]:8443": fills in host and port. Fault: Usage.
Result<void> parse_listen_address(std::string_view text, ServerOptions& options);
/// 127.0.0.0/8 or ::1.
bool is_loopback(std::string_view host);

}  // namespace cotter::http
