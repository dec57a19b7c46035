// One repository's trusted metadata as files in a folder: root.json, timestamp.json, snapshot.json,
// targets.json and one file for each delegated role, byte for byte as served.
// Never holds what was not verified, never another file that ends in .json. One process at a time.
#pragma once

#include <filesystem>

#include "common/disk/disk.h"
#include "common/trust/seams.h"

namespace cotter::client {

class MetadataFolder final : public trust::MetadataStore {
 public:
  /// `folder` holds the files of `repository` alone; another repository's are asked of another folder.
  /// The disk must outlive it.
  MetadataFolder(disk::Disk& disk, Repository repository, std::filesystem::path folder);

  /// Makes `root` the trusted root, and the folder when it is missing. What was stored beside an earlier root
  /// stays, and counts as far as it verifies under the new one. Faults: Io, NoSpace, Denied.
  Result<void> pin(ByteView root);

  /// Faults: Io, Denied (a file that is there and cannot be read).
  Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const override;
  /// Each file is replaced whole or not at all. A folder cannot replace several at once: see the order below.
  Result<void> commit(Repository repository, std::span<const trust::Effect> effects) override;

 private:
  [[nodiscard]] std::string path_of(const RoleName& role) const;
  disk::Disk* disk_;
  Repository repository_;
  std::filesystem::path folder_;
};

}  // namespace cotter::client
