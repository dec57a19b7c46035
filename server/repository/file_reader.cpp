#include "server/repository/file_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/host/atomic_file.h"

namespace cotter::repository {

Result<FileReader> FileReader::open(const std::filesystem::path& path) {
  // Not blocking: opening a pipe would wait for its writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fail(host::errno_fault("cannot read " + path.string(), errno));
  FileReader file(fd, path);
  if (!S_ISREG(TRY(file.status()).st_mode)) {
    return fault(Fault::Kind::Io, "cannot read " + path.string() + ": it is no regular file");
  }
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
    if (errno != EINTR) return fail(host::errno_fault("cannot read " + path_.string(), errno));
  }
}

Result<struct stat> FileReader::status() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return fail(host::errno_fault("cannot read " + path_.string(), errno));
  return status;
}

}  // namespace cotter::repository
