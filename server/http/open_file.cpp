#include "server/http/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/host/atomic_file.h"

namespace cotter::http {
namespace {

/// A rename gives a new inode, so the tag changes even within the clock's grain.
std::string tag_of(const struct stat& facts) {
  return '"' + std::to_string(facts.st_ino) + '-' + std::to_string(facts.st_size) + '-' +
         std::to_string(facts.st_mtim.tv_sec) + '.' + std::to_string(facts.st_mtim.tv_nsec) + '"';
}

}  // namespace

Result<OpenFile> OpenFile::open(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe that somebody put there must not wait for its writer.
  OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (file.fd_ < 0 || ::fstat(file.fd_, &facts) != 0) {
    const int reason = errno == ENOTDIR || errno == ENAMETOOLONG || errno == ENXIO ? ENOENT : errno;
    return fail(host::errno_fault("cannot open " + path.string(), reason));
  }
  if (!S_ISREG(facts.st_mode)) {
    return fault(Fault::Kind::NotFound, "cannot open " + path.string() + ": not a regular file");
  }
  file.size_ = static_cast<std::uint64_t>(facts.st_size);
  file.modified_ = facts.st_mtim.tv_sec;
  file.tag_ = tag_of(facts);
  return file;
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      modified_(other.modified_),
      tag_(std::move(other.tag_)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  std::swap(modified_, other.modified_);
  std::swap(tag_, other.tag_);
  return *this;
}

bool OpenFile::read(std::span<char> piece, std::uint64_t offset) const noexcept {
  while (!piece.empty()) {
    const ssize_t got = ::pread(fd_, piece.data(), piece.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    piece = piece.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace cotter::http
