// Many new files of a repository at the price of one: all are written, then the data of all is made durable,
// then they get their names, and each folder is made durable once. Never shows a name before its bytes are
// durable, never puts other bytes under a name that has some. One writer at a time: hold Layout::lock(). One
// thread, but for write(), which any may call.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "server/repository/layout.h"

namespace cotter::repository {

/// A file in the repository's incoming folder, under no name that anybody reads; gone with its owner.
class PassingFile {
 public:
  PassingFile() = default;
  explicit PassingFile(std::filesystem::path path) : path_(std::move(path)) {}
  ~PassingFile();
  PassingFile(PassingFile&& other) noexcept;
  PassingFile& operator=(PassingFile&& other) noexcept;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

class Batch {
 public:
  explicit Batch(const Layout& layout) : layout_(&layout) {}

  /// Bytes of a metadata file, not durable yet. Faults: NoSpace, Denied, Io.
  Result<PassingFile> write(ByteView bytes);
  /// `file` is to have `name`; all names of one file one after the other. Other bytes under that name are
  /// damage where the name says what they must be, as those of images do, and are mended; else a conflict.
  enum class Other : std::uint8_t { Mend, Refuse };
  void add(std::filesystem::path file, std::filesystem::path name, Other other) {
    files_.push_back({std::move(file), std::move(name), other});
  }
  [[nodiscard]] std::size_t size() const noexcept { return files_.size(); }

  /// Makes the bytes of all durable, under no name yet, and the folders that are missing. Faults: NoSpace,
  /// Denied, Io.
  Result<void> make_durable();
  /// Gives them their names, durable too; the batch is empty after. Killed in between, some of the names are
  /// there, with whole files. Faults: Conflict (other bytes under a name), NoSpace, Denied, Io.
  Result<void> give_names();
  /// Both. What is there already stays as it is.
  Result<void> finish();

 private:
  struct Named {
    std::filesystem::path file, name;
    Other other = Other::Refuse;
  };
  Result<void> sync_data() const;
  Result<void> put(const Named& named) const;
  const Layout* layout_;
  std::vector<Named> files_;
  std::unordered_set<std::string> dirs_;  ///< that have new names
  std::atomic<std::uint64_t> written_{0};
};

/// Both hold the same bytes. Faults: NotFound, Denied, Io.
Result<bool> same_content(const std::filesystem::path& one, const std::filesystem::path& other);

/// The folder and those above it that are missing. Faults: NoSpace, Denied, Io.
Result<void> make_dirs(const std::filesystem::path& dir);

/// Asks for a large file's bytes to be written out soon, so that a later sync waits less. Many small ones are
/// written faster together.
void begin_writing_out(int fd, std::uint64_t length) noexcept;

}  // namespace cotter::repository
