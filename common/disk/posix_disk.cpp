#include "common/disk/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/disk/descriptor.h"

namespace cotter::disk {
namespace {

Fault::Kind kind_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Fault::Kind::NotFound;
    case ENOSPC:
    case EDQUOT:
      return Fault::Kind::NoSpace;
    case EACCES:
    case EPERM:
    case EROFS:
      return Fault::Kind::Denied;
    case EWOULDBLOCK:
      return Fault::Kind::Busy;
    case EEXIST:
    case ENOTEMPTY:
      return Fault::Kind::Conflict;
    default:
      return Fault::Kind::Io;
  }
}

std::string hint_for(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::NoSpace:
      return "make room on that file system and try again; nothing was changed";
    case Fault::Kind::Denied:
      return "check the owner and the mode of the file and of its folder";
    default:
      return {};
  }
}

tl::unexpected<Error> failed(const std::string& doing, const std::string& path) {
  return fail(errno_fault("cannot " + doing + " " + path, errno));
}

Result<void> checked(int answer, const std::string& doing, const std::string& path) {
  if (answer != 0) return failed(doing, path);
  return {};
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  [[nodiscard]] Result<std::uint64_t> size() const override {
    struct stat facts {};
    TRY(checked(::fstat(fd(), &facts), "look at", path_));
    return static_cast<std::uint64_t>(facts.st_size);
  }
  [[nodiscard]] Result<Bytes> read_at(std::uint64_t offset, std::size_t max) const override {
    Bytes bytes(max);
    std::size_t had = 0;
    while (had < max) {
      const ssize_t came = ::pread(fd(), bytes.data() + had, max - had, static_cast<off_t>(offset + had));
      if (came < 0 && errno == EINTR) continue;
      if (came < 0) return failed("read", path_);
      if (came == 0) break;
      had += static_cast<std::size_t>(came);
    }
    bytes.resize(had);
    return bytes;
  }
  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed("write", path_);
      offset += static_cast<std::uint64_t>(put);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }
  Result<void> truncate(std::uint64_t size) override {
    return checked(::ftruncate(fd(), static_cast<off_t>(size)), "cut", path_);
  }
  Result<void> sync() override { return checked(::fdatasync(fd()), "make durable", path_); }

  [[nodiscard]] int fd() const noexcept { return descriptor_.get(); }

 private:
  Descriptor descriptor_;
  std::string path_;
};

class PosixLock final : public Lock {
 public:
  explicit PosixLock(Descriptor held) : held_(std::move(held)) {}

 private:
  Descriptor held_;
};

int flags_of(Opening how) {
  switch (how) {
    case Opening::Read:
      return O_RDONLY;
    case Opening::Write:
      return O_RDWR;
    case Opening::Make:
      return O_RDWR | O_CREAT;
    case Opening::MakeNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

Error errno_fault(std::string what, int error_number) {
  const Fault::Kind kind = kind_of(error_number);
  return Fault{kind, std::move(what) + ": " + std::strerror(error_number), hint_for(kind)};
}

Result<std::unique_ptr<File>> PosixDisk::open(const std::string& path, Opening how, mode_t mode) {
  // Not blocking: a pipe under this name must not hold us up. It makes no difference to a regular file.
  Descriptor descriptor(::open(path.c_str(), flags_of(how) | O_CLOEXEC | O_NONBLOCK, mode));
  const char* doing = how == Opening::Read ? "read" : "write";
  if (!descriptor.is_open()) return failed(doing, path);
  struct stat facts {};
  TRY(checked(::fstat(descriptor.get(), &facts), "look at", path));
  if (!S_ISREG(facts.st_mode)) {
    return fault(Fault::Kind::Io, std::string("cannot ") + doing + " " + path + ": not a regular file");
  }
  if (how == Opening::MakeNew) TRY(checked(::fchmod(descriptor.get(), mode), "make", path));
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), path));
}

Result<std::unique_ptr<File>> PosixDisk::open_nameless(const std::string& folder, mode_t mode) {
  // It is named through /proc, or it could not be named at all.
  const bool nameable = ::access("/proc/self/fd", X_OK) == 0;
  Descriptor descriptor(nameable ? ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode) : -1);
  if (!descriptor.is_open()) {
    return fault(Fault::Kind::NotFound, "no file without a name can be made in " + folder);
  }
  TRY(checked(::fchmod(descriptor.get(), mode), "make a file in", folder));
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), folder));
}

Result<void> PosixDisk::give_name(File& nameless, const std::string& path) {
  const std::string source = "/proc/self/fd/" + std::to_string(static_cast<PosixFile&>(nameless).fd());
  return checked(::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW), "make", path);
}

Result<std::optional<Entry>> PosixDisk::look_at(const std::string& path) const {
  struct stat facts {};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (kind_of(errno) == Fault::Kind::NotFound) return std::optional<Entry>();
    return failed("look at", path);
  }
  Entry entry{Entry::Kind::Other, static_cast<std::uint64_t>(facts.st_size)};
  if (S_ISREG(facts.st_mode)) entry.kind = Entry::Kind::File;
  if (S_ISDIR(facts.st_mode)) entry.kind = Entry::Kind::Folder;
  if (S_ISLNK(facts.st_mode)) entry.kind = Entry::Kind::Link;
  return std::optional(entry);
}

Result<std::vector<std::string>> PosixDisk::list(const std::string& folder) const {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), ::closedir);
  if (!stream) return failed("list", folder);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
    errno = 0;
  }
  if (errno != 0) return failed("list", folder);
  return names;
}

Result<std::string> PosixDisk::read_link(const std::string& path) const {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return failed("read the link", path);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Result<void> PosixDisk::rename(const std::string& from, const std::string& to) {
  return checked(::rename(from.c_str(), to.c_str()), "move " + from + " to", to);
}

Result<void> PosixDisk::remove(const std::string& path) {
  return checked(::remove(path.c_str()), "remove", path);
}

Result<void> PosixDisk::make_folder(const std::string& path, mode_t mode) {
  TRY(checked(::mkdir(path.c_str(), mode), "make the folder", path));
  return checked(::chmod(path.c_str(), mode), "make the folder", path);  // whatever the umask took away
}

Result<void> PosixDisk::make_link(const std::string& path, const std::string& target) {
  return checked(::symlink(target.c_str(), path.c_str()), "make the link", path);
}

Result<void> PosixDisk::sync_folder(const std::string& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.is_open()) return failed("make durable", folder);
  return checked(::fsync(descriptor.get()), "make durable", folder);
}

Result<std::unique_ptr<Lock>> PosixDisk::lock(const std::string& path) {
  Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kSecretFile));
  if (!descriptor.is_open()) return failed("lock", path);
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed("lock", path);
    return fault(Fault::Kind::Busy, "cannot lock " + path + ": another process holds it",
                 "wait until that one is done and try again");
  }
  return std::unique_ptr<Lock>(std::make_unique<PosixLock>(std::move(descriptor)));
}

}  // namespace cotter::disk
