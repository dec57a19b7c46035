// Many new files of a repository at the price of one: all are written, then the data of all is made durable,
// then they get their names, and each folder is made durable once. Never shows a name before its bytes are
// durable, never puts other bytes under a name that has some. One writer at a time: hold Layout::lock(). One
// thread, but for write(), which any may call; names are given on some more.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/host/atomic_file.h"
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
  explicit Batch(Layout&&) = delete;  // it must outlive the batch

  /// Bytes of a metadata file, not durable yet. Faults: NoSpace, Denied, Io.
  Result<PassingFile> write(ByteView bytes);
  /// A file, and the paths that it is to have as names, at least one. Files whose first names are in one
  /// folder get theirs in the order in which they were added.
  struct Naming {
    std::string file;
    std::vector<std::string> names;
    bool moves = false;  ///< it is gone from where it was once it has its names; else it stays there too
    /// Other bytes under a name are damage where the name says what they must be, as those of images do; else
    /// they are a conflict.
    bool mends = false;
  };
  void add(Naming naming);
  [[nodiscard]] std::size_t size() const noexcept { return files_.size(); }

  /// Makes the bytes of all durable, under no name yet, and the folders that are missing. Faults: NoSpace,
  /// Denied, Io.
  Result<void> make_durable() const;
  /// Gives them their names, durable too; the batch is empty after. Killed in between, some of the names are
  /// there, with whole files. Faults: Conflict (other bytes under a name), NoSpace, Denied, Io.
  Result<void> give_names();
  /// Both. What is there already stays as it is.
  Result<void> finish();

 private:
  Result<void> put(const Naming& naming) const;
  Result<void> link(const std::string& file, const std::string& name, bool mends) const;
  const Layout* layout_;
  std::vector<Naming> files_;
  std::unordered_set<std::string> folders_;  ///< of all names
};

/// Both hold the same bytes. Faults: NotFound, Denied, Io.
Result<bool> same_content(const std::filesystem::path& one, const std::filesystem::path& other);

/// The folder and those above it that are missing. Faults: NoSpace, Denied, Io.
Result<void> make_dirs(const std::filesystem::path& dir, host::Synced synced = host::Synced::Now);

/// Asks for a large file's bytes to be written out soon, so that a later sync waits less. Many small ones are
/// written faster together.
void begin_writing_out(int fd, std::uint64_t length) noexcept;

}  // namespace cotter::repository
