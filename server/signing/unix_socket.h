// A Unix stream socket: the caller's end with a deadline on everything it does, and the listener's.
// Never blocks without a deadline, never raises SIGPIPE, never leaks its descriptor. One owner, one thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::signing {

class UnixSocket {
 public:
  UnixSocket() = default;
  explicit UnixSocket(int fd) : fd_(fd) {}
  ~UnixSocket();
  UnixSocket(UnixSocket&& from) noexcept;
  UnixSocket& operator=(UnixSocket&& from) noexcept;

  /// Faults: NotFound (no such socket, or nobody listens at it), Busy (too many wait), Denied, Io; Usage (a
  /// path longer than the 107 bytes that a socket's may have).
  static Result<UnixSocket> connect(const std::filesystem::path& path);
  /// A new socket at `path` with `mode`, and `group` where one is given; a stale one that nobody listens at
  /// goes first. Faults: Busy (somebody listens there), Conflict (something else is there), Denied, NotFound
  /// (no such folder), Io, Usage.
  static Result<UnixSocket> listen(const std::filesystem::path& path, mode_t mode,
                                   std::optional<gid_t> group);

  /// All of it. Faults: Io (hung up), Timeout.
  Result<void> send(ByteView bytes, std::chrono::milliseconds timeout);
  /// Exactly `size` bytes, all within `timeout`. Memory grows with what comes. Faults: Io (hung up), Timeout.
  Result<Bytes> receive(std::size_t size, std::chrono::milliseconds timeout);
  /// Closed by the other side, or with something in it that nobody asked for. Waits for nothing.
  [[nodiscard]] bool hung_up() const noexcept;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  void close() noexcept;

 private:
  int fd_ = -1;
};

}  // namespace cotter::signing
