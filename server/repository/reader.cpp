#include "server/repository/reader.h"

#include <algorithm>

#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "server/repository/folder_transport.h"

namespace cotter::repository {
namespace {

/// A vehicle fresh from the factory: nothing stored, and nothing to be kept.
class NothingStored final : public trust::MetadataStore {
 public:
  Result<std::optional<Bytes>> load(Repository, const RoleName&) const override {
    return std::optional<Bytes>();
  }
  Result<void> commit(Repository, std::span<const trust::Effect>) override { return {}; }
};

}  // namespace

trust::Policy image_policy() {
  trust::Policy policy;
  policy.repository = Repository::Image;
  policy.profile = trust::Profile::Vehicle;
  policy.limits = Limits::for_image_repository();
  return policy;
}

Result<Bytes> first_root(trust::Transport& transport) {
  return transport.get(model::metadata_file_name(model::root_role(), Version(1)),
                       image_policy().limits.root_bytes);
}

Result<trust::Verified<model::Root>> newest_root(const Layout& layout) {
  const std::uint64_t cap = image_policy().limits.root_bytes;
  const auto parsed = [&](std::uint64_t version) -> Result<trust::Unverified<model::Root>> {
    return trust::Unverified<model::Root>::parse(TRY(host::read_file(layout.root(Version(version)), cap)),
                                                 model::Profile::Vehicle);
  };
  auto first = TRY(parsed(1));
  trust::Verified<model::Root> newest = TRY(std::move(first).verify_anchor());
  for (;;) {
    auto next = parsed(newest->version.value() + 1);
    if (!next && is_fault(next.error(), Fault::Kind::NotFound)) return newest;
    auto successor = TRY(std::move(next));
    newest = TRY(std::move(successor).verify_successor(newest));
  }
}

Result<std::vector<std::string>> root_files(const Layout& layout, Version newest) {
  std::vector<std::string> files;
  for (std::uint64_t version = 1; version <= newest.value(); ++version) {
    const Bytes file = TRY(host::read_file(layout.root(Version(version)), image_policy().limits.root_bytes));
    files.emplace_back(as_text(file));
  }
  return files;
}

Result<trust::TrustedSet> read_as_client(trust::Transport& transport, Bytes pinned_root, UtcTime now,
                                         trust::MetadataStore& store) {
  trust::Refresh refresh(TRY(trust::TrustedSet::anchored_at(std::move(pinned_root), now, image_policy())));
  TRY(trust::drive(refresh, store, transport));
  return std::move(refresh).take();
}

Result<trust::TrustedSet> read_as_client(trust::Transport& transport, UtcTime now) {
  NothingStored nothing;
  return read_as_client(transport, TRY(first_root(transport)), now, nothing);
}

Result<trust::TrustedSet> read_as_client(trust::Transport& transport, SnapshotAhead& ahead, UtcTime now) {
  NothingStored nothing;
  trust::Refresh refresh(
      TRY(trust::TrustedSet::anchored_at(TRY(first_root(transport)), now, image_policy())));
  refresh.read_snapshot_ahead([&] { return ahead.take(); });
  TRY(trust::drive(refresh, nothing, transport));
  return std::move(refresh).take();
}

Result<trust::TrustedSet> read_as_client(const std::filesystem::path& repo_dir, UtcTime now) {
  FolderTransport folder(repo_dir);
  return read_as_client(folder, now);
}

Result<void> load_delegated(trust::TrustedSet& set, trust::Transport& transport, const RoleName& role,
                            const RoleName& delegator) {
  const auto listed = set.listed(role);
  const auto version = listed ? std::optional<Version>(listed->version) : std::nullopt;
  Bytes file = TRY(transport.get(model::metadata_file_name(role, version), set.max_bytes(role)));
  return set.update_targets(std::move(file), role, delegator);
}

Result<trust::Found> find_target(const trust::TrustedSet& set, const std::filesystem::path& repo_dir,
                                 const TargetName& name) {
  FolderTransport folder(repo_dir);
  NothingStored nothing;
  trust::DelegationWalk walk(set, name, std::nullopt);
  TRY(trust::drive(walk, nothing, folder));
  return walk.found();
}

Result<std::optional<RoleName>> lister_before(const trust::TrustedSet& set,
                                              const std::filesystem::path& repo_dir, const TargetName& name,
                                              const RoleName& but) {
  const model::Targets& targets = **set.targets();
  if (targets.targets.contains(name)) return std::optional(model::targets_role());
  if (!targets.delegations) return std::optional<RoleName>();
  const trust::Onward next = trust::onward(*targets.delegations, name, std::nullopt);
  const bool alone = std::ranges::all_of(next.passages, [&](const trust::Passage& passage) {
    return passage.roles.size() == 1 && passage.roles.front().name == but;
  });
  if (alone) return std::optional<RoleName>();  // nobody else could: no file is read
  const auto found = find_target(set, repo_dir, name);
  if (found && found->role != but && !found->role.value().starts_with(but.value() + "-"))
    return std::optional(found->role);
  if (found) return std::optional<RoleName>();
  const Rejection* none = rejection_in(found.error());
  if (none != nullptr && none->rule == RuleId::TargetNotFound) return std::optional<RoleName>();
  return fail(found.error());
}

}  // namespace cotter::repository
