// The signing process's door: takes requests from a Unix socket, hands each with its caller's account to
// whoever answers, sends the answer. Never reads from an account that may not call, never waits for one
// caller while another has asked. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>

#include "common/base/result.h"
#include "server/signing/protocol.h"
#include "server/signing/unix_socket.h"

namespace cotter::signing {

struct DoorOptions {
  std::filesystem::path socket;
  std::set<uid_t> callers;       ///< whose connections are taken at all
  std::optional<gid_t> group{};  ///< the socket's, where other accounts than ours call: then its mode is 0660
  std::size_t max_connections = 32;            ///< whoever has been idle longest gives way
  std::chrono::milliseconds patience{10'000};  ///< for a whole request, and for the taking of an answer
};

class SocketServer {
 public:
  using Answering = std::function<Answer(const Request&, uid_t caller)>;

  /// Faults: those of UnixSocket::listen().
  static Result<SocketServer> listen(DoorOptions options, Answering answering);
  ~SocketServer();  ///< removes the socket
  SocketServer(SocketServer&&) noexcept = default;
  SocketServer& operator=(SocketServer&&) = delete;

  /// Until `stop` can be read from. Fault: Io.
  Result<void> run(int stop);

 private:
  SocketServer(DoorOptions options, Answering answering, UnixSocket listener)
      : options_(std::move(options)), answering_(std::move(answering)), listener_(std::move(listener)) {}
  DoorOptions options_;
  Answering answering_;
  UnixSocket listener_;
};

}  // namespace cotter::signing
