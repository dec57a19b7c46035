// A file held open while it is sent: what was looked at is what goes out, whatever is renamed over its name.
// Never a folder, a pipe, a device, or what a link stands for. One owner; reading is safe on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace cotter::http {

class OpenFile {
 public:
  /// `name`, with slashes, from `folder` on. The way to `folder` may lead over links; below it none is
  /// followed, and no "..": who can write there must not choose what else of the machine is read. Faults:
  /// NotFound (no such regular file), Denied, Io.
  static Result<OpenFile> open_below(const std::filesystem::path& folder, std::string_view name);
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::time_t modified() const noexcept { return modified_; }
  /// Another one for every content that the name ever stood for (a strong ETag, RFC 9110 8.8.3).
  [[nodiscard]] const std::string& tag() const noexcept { return tag_; }
  /// Fills `piece` from `offset` on; false when the file has not that many bytes, or the disk fails.
  [[nodiscard]] bool read(std::span<char> piece, std::uint64_t offset) const noexcept;

 private:
  explicit OpenFile(int fd) : fd_(fd) {}
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::time_t modified_ = 0;
  std::string tag_;
};

}  // namespace cotter::http
