// The seam to storage that outlives a power cut: every file of a client is made, written and renamed through
// it, so that a test can cut the power after any operation.
// Never makes anything durable by itself: what must survive is synced, a file's bytes and its name each for
// themselves. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::disk {

inline constexpr mode_t kPublicFile = 0644;
inline constexpr mode_t kSecretFile = 0600;
inline constexpr mode_t kPublicFolder = 0755;
inline constexpr mode_t kSecretFolder = 0700;

/// An open regular file; closed with its owner, which makes nothing durable. Faults of all: Io.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  /// Up to `max` bytes from `offset`; fewer only at the end.
  [[nodiscard]] virtual Result<Bytes> read_at(std::uint64_t offset, std::size_t max) const = 0;
  /// All of it, at this place. Fault besides: NoSpace.
  virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  /// Its bytes and its size are durable on return; its name is the folder's.
  virtual Result<void> sync() = 0;
};

enum class Opening : std::uint8_t {
  Read,
  Write,    ///< read too; it must be there
  Make,     ///< read and write; made where it is missing
  MakeNew,  ///< the same; it must be missing
};

struct Entry {
  enum class Kind : std::uint8_t { File, Folder, Link, Other };
  Kind kind = Kind::File;
  std::uint64_t size = 0;  ///< of a file
};

/// Gone with its owner, however that ends.
class Lock {
 public:
  virtual ~Lock() = default;
};

/// Faults of all: NotFound, Denied, NoSpace, Io; Conflict where a name is taken.
class Disk {
 public:
  virtual ~Disk() = default;

  /// A file that is made gets exactly `mode`, whatever the umask. Faults besides: Io for what is no regular
  /// file.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Opening how,
                                             mode_t mode = kPublicFile) = 0;
  /// A file in `folder` that has no name yet and is gone unless it is given one. Fault: NotFound too where
  /// the file system knows no such thing.
  virtual Result<std::unique_ptr<File>> open_nameless(const std::string& folder, mode_t mode) = 0;
  /// Names a file of open_nameless(). Fault: Conflict.
  virtual Result<void> give_name(File& nameless, const std::string& path) = 0;

  /// What stands under a name, links not followed; nothing where nothing does.
  [[nodiscard]] virtual Result<std::optional<Entry>> look_at(const std::string& path) const = 0;
  /// Names in a folder, in no order.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& folder) const = 0;
  /// Where a symbolic link leads.
  [[nodiscard]] virtual Result<std::string> read_link(const std::string& path) const = 0;

  // Names. Each change is whole or not at all, and durable once sync_folder() returns for a folder it
  // touched.
  /// Replaces what had the new name; a folder only where nothing has it.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// A file, a link, or an empty folder.
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> make_folder(const std::string& path, mode_t mode = kPublicFolder) = 0;
  virtual Result<void> make_link(const std::string& path, const std::string& target) = 0;
  virtual Result<void> sync_folder(const std::string& folder) = 0;

  /// An exclusive lock on a file, made where it is missing. Does not wait. Fault: Busy (another holds it).
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
};

}  // namespace cotter::disk
