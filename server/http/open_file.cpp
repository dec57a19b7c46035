#include "server/http/open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/host/atomic_file.h"

namespace cotter::http {
namespace {

// O_NONBLOCK: opening a pipe that somebody put there must not wait for its writer.
constexpr int kFile = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW;
constexpr int kFolder = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

/// A link (as a file ELOOP, as a folder ENOTDIR), or a name that no published file has.
bool is_none_of_ours(int reason) {
  return reason == ELOOP || reason == ENOTDIR || reason == ENAMETOOLONG || reason == ENXIO;
}

/// A rename gives a new inode, so the tag changes even within the clock's grain.
std::string tag_of(const struct stat& facts) {
  return '"' + std::to_string(facts.st_ino) + '-' + std::to_string(facts.st_size) + '-' +
         std::to_string(facts.st_mtim.tv_sec) + '.' + std::to_string(facts.st_mtim.tv_nsec) + '"';
}

}  // namespace

Result<OpenFile> OpenFile::open_below(const std::filesystem::path& folder, std::string_view name) {
  const std::string what = "cannot open " + (folder / name).string();
  OpenFile file(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (file.fd_ < 0) return fail(host::errno_fault(what, errno == ENOTDIR ? ENOENT : errno));
  // One name after the other, for O_NOFOLLOW looks at the last one alone; openat2() would do it at once,
  // where the kernel and a container's filter let it.
  for (std::size_t slash = 0; slash != std::string_view::npos;) {
    slash = name.find('/');
    const std::string part(name.substr(0, slash));
    if (part == "..") return fault(Fault::Kind::NotFound, what + ": it leads out of the folder");
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    file = OpenFile(::openat(file.fd_, part.c_str(), slash == std::string_view::npos ? kFile : kFolder));
    if (file.fd_ < 0) return fail(host::errno_fault(what, is_none_of_ours(errno) ? ENOENT : errno));
  }
  struct stat facts {};
  if (::fstat(file.fd_, &facts) != 0) return fail(host::errno_fault(what, errno));
  if (!S_ISREG(facts.st_mode)) return fault(Fault::Kind::NotFound, what + ": not a regular file");
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
