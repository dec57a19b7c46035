// The content of a repository's published snapshot, read on another thread from the moment that one begins: a
// large one takes as long as all that comes before it. Never judges anything. One thread.
#pragma once

#include <filesystem>
#include <optional>
#include <thread>

#include "common/trust/content_ahead.h"

namespace cotter::repository {

class SnapshotAhead {
 public:
  /// Begins with the one that the timestamp speaks of, whoever signed that.
  explicit SnapshotAhead(const std::filesystem::path& repo_dir);
  SnapshotAhead(const SnapshotAhead&) = delete;
  SnapshotAhead& operator=(const SnapshotAhead&) = delete;
  /// Waits for it. Once; nothing where none could be read.
  std::optional<trust::ContentAhead> take();

 private:
  void read(const std::filesystem::path& repo_dir);
  std::optional<trust::ContentAhead> content_;
  std::jthread reading_;
};

}  // namespace cotter::repository
