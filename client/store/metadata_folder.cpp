#include "client/store/metadata_folder.h"

#include <utility>

#include "client/store/local_name.h"
#include "common/disk/files.h"
#include "common/model/roles.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

/// More than any limit lets in; keeps a foreign file under one of our names from filling the memory.
constexpr std::uint64_t kMaxStoredBytes = std::uint64_t{1} << 30U;

}  // namespace

MetadataFolder::MetadataFolder(disk::Disk& disk, Repository repository, fs::path folder)
    : disk_(&disk), repository_(repository), folder_(std::move(folder)) {}

std::string MetadataFolder::path_of(const RoleName& role) const {
  return (folder_ / (local_name(role.value()) + ".json")).string();
}

Result<void> MetadataFolder::pin(ByteView root) {
  TRY(disk::make_folders(*disk_, folder_.string()));
  return disk::replace_file(*disk_, path_of(model::root_role()), root);
}

Result<std::optional<Bytes>> MetadataFolder::load(Repository repository, const RoleName& role) const {
  COTTER_ASSERT(repository == repository_);
  return disk::read_small_file(*disk_, path_of(role), kMaxStoredBytes);
}

Result<void> MetadataFolder::commit(Repository repository, std::span<const trust::Effect> effects) {
  COTTER_ASSERT(repository == repository_);
  // A batch of more than one file is a new root and what its keys make us forget (VER-8). The root goes
  // first: a crash in between leaves the new root beside old files, and of those only what its keys still
  // vouch for counts. At worst that refuses an update until the next change of keys. The other order could
  // leave the old root without a floor, and whoever hides the new root from us could then roll us back.
  for (const trust::Effect& effect : effects) {
    if (const auto* store = std::get_if<trust::Store>(&effect)) {
      TRY(disk::replace_file(*disk_, path_of(store->role), store->wire));
    }
  }
  bool forgotten = false;
  for (const trust::Effect& effect : effects) {
    const auto* forget = std::get_if<trust::Forget>(&effect);
    if (forget == nullptr || !TRY(disk_->look_at(path_of(forget->role)))) continue;
    TRY(disk_->remove(path_of(forget->role)));
    forgotten = true;
  }
  return forgotten ? disk_->sync_folder(folder_.string()) : Result<void>();
}

}  // namespace cotter::client
