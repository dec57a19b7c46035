#include "server/http/listen_address.h"

#include <charconv>

namespace cotter::http {

Result<void> parse_listen_address(std::string_view text, ServerOptions& options) {
  const auto colon = text.rfind(':');
  std::string_view host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || host.find_first_of("[]") != std::string_view::npos || error != std::errc() ||
      end != digits.data() + digits.size()) {
    return fault(Fault::Kind::Usage, "'" + std::string(text) + "' is no address and port to listen on",
                 "write it as 127.0.0.1:8443 or [::1]:8443");
  }
  options.host = host;
  options.port = port;
  return {};
}

bool is_loopback(std::string_view host) { return host.starts_with("127.") || host == "::1"; }

}  // namespace cotter::http
