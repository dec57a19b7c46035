#include "server/repository/file_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/host/atomic_file.h"

namespace cotter::repository {

Result<FileReader> FileReader::open(const std::filesystem::path& path) {
  // Not blocking: opening a pipe would wait for its writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fail(host::errno_fault("cannot read " + path.string(), errno));
  FileReader file(fd, path.native());
  const struct stat status = TRY(file.status());
  if (!S_ISREG(status.st_mode)) {
    return fault(Fault::Kind::Io, "cannot read " + path.string() + ": it is no regular file");
  }
  // Thousands of small files are read one after the other: no more memory is touched than each needs.
  const auto size = static_cast<std::size_t>(status.st_size);
  file.buffer_.resize(std::clamp<std::size_t>(size, 1, kPieceBytes));
  return file;
}

FileReader::~FileReader() {
  if (fd_ >= 0) ::close(fd_);
}

FileReader::FileReader(FileReader&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), buffer_(std::move(other.buffer_)) {}

Result<ByteView> FileReader::next() {
  for (;;) {
    const ssize_t count = ::read(fd_, buffer_.data(), buffer_.size());
    if (count >= 0) return ByteView(buffer_.data(), static_cast<std::size_t>(count));
    if (errno != EINTR) return fail(host::errno_fault("cannot read " + path_, errno));
  }
}

Result<struct stat> FileReader::status() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return fail(host::errno_fault("cannot read " + path_, errno));
  return status;
}

}  // namespace cotter::repository
