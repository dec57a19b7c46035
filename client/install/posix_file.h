// Small files by POSIX calls alone, for ECUs that have an operating system and no cotter_host.
// Never leaves half a file under its real name. Safe on any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::client {

/// The Fault of the last failed call: NoSpace, Denied, NotFound, else Io.
Error errno_fault(const std::string& what);

/// After a crash the file holds the old bytes or the new; durable on return. Faults: NoSpace, Denied, Io.
Result<void> replace_file(const std::string& path, ByteView bytes, mode_t mode = 0644);
/// Nothing when there is none. Faults: Denied, Io (more than `max_bytes` too).
Result<std::optional<Bytes>> read_small_file(const std::string& path, std::uint64_t max_bytes);
/// A missing file is no failure; durable on return.
Result<void> remove_file(const std::string& path);
/// An existing folder is no failure.
Result<void> make_folder(const std::string& path);
/// Makes the names in the folder of `path` durable.
Result<void> sync_folder_of(const std::string& path);

/// Closes a descriptor with its scope.
class OpenFile {
 public:
  explicit OpenFile(int fd) noexcept : fd_(fd) {}
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

/// All of it, at this place. Faults: NoSpace, Io.
Result<void> write_at(int fd, std::uint64_t offset, ByteView bytes, const std::string& what);
/// Up to `max` bytes; fewer only at the end. Fault: Io.
Result<Bytes> read_at(int fd, std::uint64_t offset, std::size_t max, const std::string& what);

}  // namespace cotter::client
