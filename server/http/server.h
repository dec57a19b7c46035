// The listener and its sessions: HTTP/1.1 on Beast and Asio, TLS by OpenSSL, client certificates read into
// the request. Never lets a slow or silent client hold anything but its own connection, and that not for
// long. run() blocks the calling thread; stop() is safe on any.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "server/http/router.h"

namespace cotter::http {

class AccessLog;

struct TlsMaterial {
  std::filesystem::path ca;           ///< client certificates must come from it
  std::filesystem::path certificate;  ///< of this server
  std::filesystem::path key;          ///< PEM, encrypted
  const crypto::Secret* passphrase = nullptr;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< a numeric address
  std::uint16_t port = 0;          ///< 0: any free one
  std::optional<TlsMaterial> tls;
  std::chrono::milliseconds idle{30'000};  ///< for a request's header to come, and for the handshake
  std::chrono::milliseconds body{
      30'000};  ///< for a body to come, and for the client to take 32 KiB of an answer
  std::chrono::milliseconds grace{5'000};  ///< for what is under way when the server stops
  /// For one more, the connection that waits longest for its client gives way; if none does, nobody more is
  /// taken.
  std::size_t max_connections = 4096;
  AccessLog* access_log = nullptr;  ///< where each answer is noted; outlives the server
  /// Requests to the operations API at the same time, each held in memory with its body, and those of one
  /// token; one more hears 503, and its body is not read.
  std::size_t max_operations = 64;
  std::size_t max_operations_of_one = 16;
  /// For one's turn among them; then 503. Longer than it takes to judge a submission of gigabytes.
  std::chrono::milliseconds operations_wait{300'000};
};

class Server {
 public:
  /// Listens when it returns, and has taken SIGTERM and SIGINT into its hands. Faults: Usage (no such
  /// address), Busy (the port is in use), Denied (a wrong passphrase, a port below 1024), NotFound and Io (a
  /// certificate or key that is missing or damaged).
  static Result<std::unique_ptr<Server>> listen(const ServerOptions& options, const Router& router);
  ~Server();
  [[nodiscard]] std::uint16_t port() const;
  /// Serves until stop(), SIGTERM or SIGINT; then takes no more requests, ends idle connections at once and
  /// the others when they are answered or the grace is over.
  void run();
  /// Before run() or during it.
  void stop();

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cotter::http
