// A TCP socket with a deadline on everything it does.
// Never blocks without one, never raises SIGPIPE, never leaks its descriptor. One owner, one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::client {

class Socket {
 public:
  Socket() = default;
  ~Socket();
  Socket(Socket&& from) noexcept;
  Socket& operator=(Socket&& from) noexcept;

  /// Faults: Network (refused, no such host), Timeout.
  static Result<Socket> connect(const std::string& host, std::uint16_t port,
                                std::chrono::milliseconds timeout);
  /// Port 0: any free one. Faults: Network (in use, no such address), Denied.
  static Result<Socket> listen(const std::string& host, std::uint16_t port);
  /// The port a listener got. Fault: Network.
  [[nodiscard]] Result<std::uint16_t> port() const;
  /// Waits for a caller, without a deadline: the one thing that may. Fault: Network.
  Result<Socket> accept();

  /// All of it. Faults: Network, Timeout.
  Result<void> send(ByteView bytes, std::chrono::milliseconds timeout);
  /// Exactly `size` bytes, all within `timeout`. Memory grows with what comes, not with what was announced.
  /// Faults: NotFound (closed by the other side before the first byte), Network (closed later), Timeout.
  Result<Bytes> receive(std::size_t size, std::chrono::milliseconds timeout);

  /// Whether the connection is of no more use for a question: closed by the other side, or with an answer in
  /// it that nobody asked for. Waits for nothing.
  [[nodiscard]] bool hung_up() const noexcept;

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  void close() noexcept;

 private:
  explicit Socket(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace cotter::client
