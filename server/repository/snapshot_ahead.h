// The snapshot of a repository of one's own, read on another thread from the moment that one begins: a large
// one takes as long as all that comes before it. Never judges anything: what it gives is as unverified as
// bytes are. One thread.
#pragma once

#include <filesystem>
#include <optional>
#include <thread>

#include "common/trust/verified.h"

namespace cotter::repository {

class SnapshotAhead {
 public:
  /// Begins with the one that the timestamp speaks of, whoever signed that.
  explicit SnapshotAhead(std::filesystem::path repo_dir);
  SnapshotAhead(const SnapshotAhead&) = delete;
  SnapshotAhead& operator=(const SnapshotAhead&) = delete;
  /// The file `version`.snapshot.json, once; nothing where another was read, or none could be.
  std::optional<trust::Unverified<model::Snapshot>> take(Version version);

 private:
  void read();
  std::filesystem::path dir_;
  Version version_{0};
  std::optional<trust::Unverified<model::Snapshot>> file_;
  std::jthread reading_;
};

}  // namespace cotter::repository
