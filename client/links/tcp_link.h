// EcuLink over TCP. Connects when first asked, again after a failure.
// Never waits without end: every reply has a deadline (FVS-9). One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "client/links/socket.h"
#include "client/links/wire_link.h"

namespace cotter::client {

struct TcpAddress {
  std::string host;  ///< a numeric address or a name
  std::uint16_t port = 0;
};
/// "127.0.0.1:8801", "[::1]:8801". Fault: Usage.
Result<TcpAddress> parse_tcp_address(const std::string& text);

struct TcpTimeouts {
  std::chrono::milliseconds connect{5'000};
  /// For one whole reply: an ECU hashes its image within it.
  std::chrono::milliseconds reply{30'000};
};

class TcpLink final : public WireLink {
 public:
  /// Does not connect yet.
  explicit TcpLink(TcpAddress address, TcpTimeouts timeouts = {});

 private:
  Result<wire::Reply> exchange(const wire::Request& request) override;
  Result<wire::Reply> talk(const wire::Request& request);

  TcpAddress address_;
  TcpTimeouts timeouts_;
  Socket socket_;
};

}  // namespace cotter::client
