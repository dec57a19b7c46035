#include "client/store/metadata_folder.h"

#include <cerrno>
#include <utility>

#include "client/store/local_name.h"
#include "common/host/atomic_file.h"
#include "common/model/roles.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

/// More than any limit lets in; keeps a foreign file under one of our names from filling the memory.
constexpr std::uint64_t kMaxStoredBytes = std::uint64_t{1} << 30U;

}  // namespace

MetadataFolder::MetadataFolder(Repository repository, fs::path folder)
    : repository_(repository), folder_(std::move(folder)) {}

fs::path MetadataFolder::path_of(const RoleName& role) const {
  return folder_ / (local_name(role.value()) + ".json");
}

Result<void> MetadataFolder::pin(ByteView root) {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return fail(host::errno_fault("cannot make the folder " + folder_.string(), failed.value()));
  return host::write_atomically(path_of(model::root_role()), root);
}

Result<std::optional<Bytes>> MetadataFolder::load(Repository repository, const RoleName& role) const {
  COTTER_ASSERT(repository == repository_);
  auto file = host::read_file(path_of(role), kMaxStoredBytes);
  if (file) return std::optional<Bytes>(std::move(*file));
  if (is_fault(file.error(), Fault::Kind::NotFound)) return std::optional<Bytes>();
  return fail(std::move(file).error());
}

Result<void> MetadataFolder::commit(Repository repository, std::span<const trust::Effect> effects) {
  COTTER_ASSERT(repository == repository_);
  // A batch of more than one file is a new root and what its keys make us forget (VER-8). The root goes
  // first: a crash in between leaves the new root beside old files, and of those only what its keys still
  // vouch for counts. At worst that refuses an update until the next change of keys. The other order could
  // leave the old root without a floor, and whoever hides the new root from us could then roll us back.
  for (const trust::Effect& effect : effects) {
    if (const auto* store = std::get_if<trust::Store>(&effect)) {
      TRY(host::write_atomically(path_of(store->role), store->wire));
    }
  }
  bool forgotten = false;
  for (const trust::Effect& effect : effects) {
    const auto* forget = std::get_if<trust::Forget>(&effect);
    if (forget == nullptr) continue;
    std::error_code failed;
    forgotten = fs::remove(path_of(forget->role), failed) || forgotten;
    if (failed) {
      return fail(host::errno_fault("cannot remove " + path_of(forget->role).string(), failed.value()));
    }
  }
  return forgotten ? host::sync_dir(folder_) : Result<void>();
}

}  // namespace cotter::client
