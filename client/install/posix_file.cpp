#include "client/install/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace cotter::client {
namespace {

Result<void> write_new_file(const std::string& path, ByteView bytes, mode_t mode) {
  const OpenFile file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file.is_open()) return fail(errno_fault("cannot write " + path));
  TRY(write_at(file.fd(), 0, bytes, path));
  if (::fsync(file.fd()) != 0) return fail(errno_fault("cannot make " + path + " durable"));
  return {};
}

}  // namespace

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

Error errno_fault(const std::string& what) {
  const int reason = errno;
  const std::string detail = what + ": " + std::strerror(reason);
  switch (reason) {
    case ENOSPC:
    case EDQUOT:
      return Fault{Fault::Kind::NoSpace, detail, "free some space on that file system"};
    case EACCES:
    case EPERM:
    case EROFS:
      return Fault{Fault::Kind::Denied, detail, ""};
    case ENOENT:
      return Fault{Fault::Kind::NotFound, detail, ""};
    default:
      return Fault{Fault::Kind::Io, detail, ""};
  }
}

Result<void> write_at(int fd, std::uint64_t offset, ByteView bytes, const std::string& what) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(errno_fault("cannot write " + what));
    offset += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<Bytes> read_at(int fd, std::uint64_t offset, std::size_t max, const std::string& what) {
  Bytes bytes(max);
  std::size_t had = 0;
  while (had < max) {
    const ssize_t came = ::pread(fd, bytes.data() + had, max - had, static_cast<off_t>(offset + had));
    if (came < 0 && errno == EINTR) continue;
    if (came < 0) return fail(errno_fault("cannot read " + what));
    if (came == 0) break;
    had += static_cast<std::size_t>(came);
  }
  bytes.resize(had);
  return bytes;
}

Result<void> sync_folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const OpenFile dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir.is_open() || ::fsync(dir.fd()) != 0) {
    return fail(errno_fault("cannot make " + folder + " durable"));
  }
  return {};
}

Result<void> replace_file(const std::string& path, ByteView bytes, mode_t mode) {
  const std::string next = path + ".new";
  if (Result<void> written = write_new_file(next, bytes, mode); !written) {
    ::unlink(next.c_str());
    return written;
  }
  if (::rename(next.c_str(), path.c_str()) != 0) {
    Error error = errno_fault("cannot replace " + path);
    ::unlink(next.c_str());
    return fail(std::move(error));
  }
  return sync_folder_of(path);
}

Result<std::optional<Bytes>> read_small_file(const std::string& path, std::uint64_t max_bytes) {
  const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT) return std::optional<Bytes>();
    return fail(errno_fault("cannot read " + path));
  }
  struct stat facts {};
  if (::fstat(file.fd(), &facts) != 0) return fail(errno_fault("cannot read " + path));
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (!S_ISREG(facts.st_mode) || size > max_bytes) {
    return fault(Fault::Kind::Io, path + " is no file of at most " + std::to_string(max_bytes) + " bytes");
  }
  return std::optional<Bytes>(TRY(read_at(file.fd(), 0, static_cast<std::size_t>(size), path)));
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return fail(errno_fault("cannot remove " + path));
  }
  return sync_folder_of(path);
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return sync_folder_of(path);
  if (errno == EEXIST) return {};
  return fail(errno_fault("cannot make " + path));
}

}  // namespace cotter::client
