// A connection's life: handshake, requests one after the other, farewell. Beast's and Asio's own header; for
// server.cpp alone. Never reads more than the router takes, never waits without a limit. On the I/O thread.
#pragma once

// clang-format off
#include <utility>  // first: Asio 1.74 uses std::exchange without it
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <optional>
#include <set>

#include "server/http/server.h"
#include "server/http/turns.h"

namespace cotter::http {

/// A connection as the server's end sees it.
class Connection {
 public:
  virtual void end_if_idle() = 0;
  virtual void cut() = 0;
  using Instant = std::chrono::steady_clock::time_point;
  /// Since when it is the client's turn to send or to take something; none while we are at work for it.
  [[nodiscard]] virtual std::optional<Instant> waiting_since() const = 0;

 protected:
  ~Connection() = default;
};

/// What all connections share; but for `blocking`, of the I/O thread alone.
struct Shared {
  Shared(const Router& r, const ServerOptions& o)
      : router(r), options(o), turns(o.max_operations, o.max_operations_of_one) {}
  const Router& router;
  const ServerOptions options;
  boost::asio::thread_pool blocking{2};    ///< they wait for signers and the disk; the I/O thread must not
  boost::asio::thread_pool operations{1};  ///< the same for the operations API, which must not hold those up
  boost::asio::thread_pool doorman{1};     ///< looks up tokens, which nobody's upload must hold up
  std::set<Connection*> connections;
  std::size_t at_the_door = 0;  ///< whose tokens are being looked up
  Turns turns;                  ///< of `operations`
  bool stopping = false;
};

// Both end when the client leaves, is too slow, or `shared.stopping` and its request is answered.
boost::asio::awaitable<void> serve_plain(boost::asio::ip::tcp::socket socket, Shared& shared);
boost::asio::awaitable<void> serve_tls(boost::asio::ip::tcp::socket socket, Shared& shared,
                                       boost::asio::ssl::context& tls);

}  // namespace cotter::http
