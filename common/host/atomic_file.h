// Files that are there whole or not at all, reading with a limit, and a lock for one writer.
// Never leaves a temporary file behind on failure, and never half a file under the real name. Safe on any
// thread; a FileLock belongs to one owner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/disk/posix_disk.h"

namespace cotter::host {

inline constexpr mode_t kPublicDir = 0755;
inline constexpr mode_t kSecretDir = 0700;

using disk::errno_fault;
using disk::kPublicFile;
using disk::kSecretFile;

/// Puts `bytes` under `path`, replacing what was there: temporary file in the same folder, fsync, rename,
/// fsync of the folder. After a crash `path` holds the old content or the new. `mode` is exact: the umask
/// does not count. Faults: NoSpace, Denied, NotFound (no such folder), Io.
Result<void> write_atomically(const std::filesystem::path& path, ByteView bytes, mode_t mode = kPublicFile);

/// The same, but refuses to replace anything. Fault besides: Conflict.
Result<void> create_atomically(const std::filesystem::path& path, ByteView bytes, mode_t mode = kPublicFile);

/// The whole content of a regular file. Faults: NotFound, Denied, Io (also for a folder, and for a file of
/// more than `max_bytes`).
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// When a folder's name is durable: on return, or with the next sync of its parent or of the file system.
enum class Synced : std::uint8_t { Now, Later };

/// Makes one folder with exactly `mode`. Faults: Conflict, Denied, NotFound, NoSpace, Io.
Result<void> make_dir(const std::filesystem::path& path, mode_t mode = kPublicDir,
                      Synced synced = Synced::Now);

/// The same, but content with what is there already.
Result<void> ensure_dir(const std::filesystem::path& path, mode_t mode = kPublicDir);

/// Makes the names in a folder durable (after links, renames and removals in it).
Result<void> sync_dir(const std::filesystem::path& dir);

/// An exclusive advisory lock (flock) on a file made for it; gone with its owner, however that ends.
class FileLock {
 public:
  /// Does not wait. Faults: Busy (another holds it), Denied, NotFound, Io.
  static Result<FileLock> acquire(const std::filesystem::path& path);
  ~FileLock();
  FileLock(FileLock&&) noexcept;
  FileLock& operator=(FileLock&&) noexcept;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace cotter::host
