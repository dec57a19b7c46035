// A folder that is filled as one: all of it is made aside first, then moved into place, or nothing stays.
// Never overwrites what is there. One thread; a second process that fills the same folder is turned away.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/host/atomic_file.h"

namespace cotter::app {

class StagedFolder {
 public:
  /// Makes `dir` (with `mode`) when missing, and a staging folder in it: on the same file system whatever is
  /// mounted where. What a killed process left in the staging folder is removed. Faults: Busy, Denied,
  /// NotFound, NoSpace, Io.
  static Result<StagedFolder> in(const std::filesystem::path& dir, mode_t mode);
  /// Unless keep() was called: removes all that was made, and `dir` if it was made here.
  ~StagedFolder();
  StagedFolder(StagedFolder&&) noexcept;
  StagedFolder& operator=(StagedFolder&&) = delete;

  [[nodiscard]] const std::filesystem::path& dir() const noexcept { return dir_; }
  /// Where to make the entries.
  [[nodiscard]] const std::filesystem::path& staging() const noexcept { return staging_; }
  /// Whether a process was killed here that had begun to fill `dir`.
  [[nodiscard]] bool was_interrupted() const noexcept { return was_interrupted_; }
  /// Moves `name` from staging() into dir(). Fault: Conflict (the name is there already).
  Result<void> place(std::string_view name);
  /// What was placed stays; the staging folder goes.
  void keep() noexcept { kept_ = true; }

 private:
  StagedFolder(std::filesystem::path dir, std::filesystem::path staging, bool made_dir, bool was_interrupted,
               host::FileLock lock);
  std::filesystem::path dir_;
  std::filesystem::path staging_;
  bool made_dir_;
  bool was_interrupted_;
  bool kept_ = false;
  std::vector<std::filesystem::path> placed_;
  host::FileLock lock_;
};

}  // namespace cotter::app
