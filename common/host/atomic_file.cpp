#include "common/host/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/disk/descriptor.h"

namespace cotter::host {
namespace {

namespace fs = std::filesystem;
using disk::Descriptor;

tl::unexpected<Error> failed(const std::string& what, int error_number) {
  return fail(errno_fault(what, error_number));
}

/// The folder that a name stands in: "." for a bare name.
fs::path folder_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

Result<void> write_all(int fd, ByteView bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return failed(what, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

/// A finished file under a passing name beside `path`; gone unless it was moved away.
class Temporary {
 public:
  static Result<Temporary> write(const fs::path& path, ByteView bytes, mode_t mode, const std::string& what) {
    std::string name = (folder_of(path) / ("." + path.filename().string() + ".XXXXXX")).string();
    const Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
    if (file.get() < 0) return failed(what, errno);
    Temporary temporary(std::move(name));
    TRY(write_all(file.get(), bytes, what));
    if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) return failed(what, errno);
    return temporary;
  }
  ~Temporary() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  Temporary(Temporary&& other) noexcept : name_(std::exchange(other.name_, {})) {}
  Temporary& operator=(Temporary&&) = delete;

  Result<void> rename_to(const fs::path& path, const std::string& what) {
    if (::rename(name_.c_str(), path.c_str()) != 0) return failed(what, errno);
    name_.clear();
    return {};
  }
  /// Unlike rename, a link fails where the name is taken.
  Result<void> link_to(const fs::path& path, const std::string& what) {
    if (::link(name_.c_str(), path.c_str()) != 0) return failed(what, errno);
    return {};
  }

 private:
  explicit Temporary(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

}  // namespace

Result<void> write_atomically(const fs::path& path, ByteView bytes, mode_t mode) {
  const std::string what = "cannot write " + path.string();
  Temporary temporary = TRY(Temporary::write(path, bytes, mode, what));
  TRY(temporary.rename_to(path, what));
  return sync_dir(folder_of(path));
}

Result<void> create_atomically(const fs::path& path, ByteView bytes, mode_t mode) {
  const std::string what = "cannot create " + path.string();
  Temporary temporary = TRY(Temporary::write(path, bytes, mode, what));
  TRY(temporary.link_to(path, what));
  return sync_dir(folder_of(path));
}

Result<Bytes> read_file(const fs::path& path, std::uint64_t max_bytes) {
  const std::string what = "cannot read " + path.string();
  // Not blocking: a pipe under this name must not hold us up. It makes no difference to a regular file.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failed(what, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed(what, errno);
  if (!S_ISREG(status.st_mode)) return fault(Fault::Kind::Io, what + ": not a regular file");
  Bytes bytes;
  std::array<std::uint8_t, 65536> chunk;
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(what, errno);
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + got);
    if (bytes.size() > max_bytes) {
      return fault(Fault::Kind::Io, what + ": more than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Result<void> make_dir(const fs::path& path, mode_t mode, Synced synced) {
  const std::string what = "cannot make the folder " + path.string();
  if (::mkdir(path.c_str(), mode) != 0) return failed(what, errno);
  if (::chmod(path.c_str(), mode) != 0) return failed(what, errno);  // whatever the umask took away
  return synced == Synced::Now ? sync_dir(folder_of(path)) : Result<void>();
}

Result<void> ensure_dir(const fs::path& path, mode_t mode) {
  Result<void> made = make_dir(path, mode);
  return !made && is_fault(made.error(), Fault::Kind::Conflict) ? Result<void>() : made;
}

Result<void> sync_dir(const fs::path& dir) {
  const std::string what = "cannot make " + dir.string() + " durable";
  const Descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || ::fsync(folder.get()) != 0) return failed(what, errno);
  return {};
}

Result<FileLock> FileLock::acquire(const fs::path& path) {
  const std::string what = "cannot lock " + path.string();
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPublicFile));
  if (file.get() < 0) return failed(what, errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed(what, errno);
    return fault(Fault::Kind::Busy, what + ": another process holds it",
                 "wait until that one is done and try again");
  }
  return FileLock(file.release());
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

}  // namespace cotter::host
