// A regular file, read piece by piece.
// Never reads a folder, a pipe or a device. One thread.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::repository {

class FileReader {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{1} << 18U;  ///< stays in the second-level cache

  /// Faults: NotFound, Denied, Io (no regular file).
  static Result<FileReader> open(const std::filesystem::path& path);
  ~FileReader();
  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&&) = delete;

  /// The next piece, empty at the end; it is gone with the next call. Fault: Io.
  Result<ByteView> next();
  /// What the file is like now.
  Result<struct stat> status() const;

 private:
  FileReader(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
  Bytes buffer_;
};

}  // namespace cotter::repository
