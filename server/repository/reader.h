// Reads a published repository the way a vehicle does: from its first root, the whole workflow.
// Never trusts a file because we wrote it. Safe on any thread; a TrustedSet belongs to one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/trust/refresh.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"
#include "server/repository/layout.h"
#include "server/repository/snapshot_ahead.h"

namespace cotter::repository {

/// How we read an image repository: Vehicle profile, the caps of an image repository.
trust::Policy image_policy();

/// A `now` before all expiry dates: everything is verified but freshness. For a publisher, who must be able
/// to renew what has expired.
inline constexpr UtcTime kBeforeAnyExpiry{};

/// Anchored at 1.root.json, with nothing stored. Rejections: those of a client. Faults: NotFound (no
/// repository there), Denied, Io.
Result<trust::TrustedSet> read_as_client(const std::filesystem::path& repo_dir, UtcTime now);
Result<trust::TrustedSet> read_as_client(trust::Transport& transport, UtcTime now);
/// The same of a folder, whose snapshot's content `ahead` reads meanwhile.
Result<trust::TrustedSet> read_as_client(trust::Transport& transport, SnapshotAhead& ahead, UtcTime now);
/// The same for a client that was given `pinned_root` and keeps its files in `store`.
Result<trust::TrustedSet> read_as_client(trust::Transport& transport, Bytes pinned_root, UtcTime now,
                                         trust::MetadataStore& store);
/// 1.root.json.
Result<Bytes> first_root(trust::Transport& transport);
/// The newest root there is, by its chain alone, whatever the rest of the repository is like. Rejections and
/// Faults: as read_as_client().
Result<trust::Verified<model::Root>> newest_root(const Layout& layout);
/// The files of the roots from the first to `newest`. Faults: NotFound, Denied, Io.
Result<std::vector<std::string>> root_files(const Layout& layout, Version newest);

/// Makes `role` as delegated by `delegator`, which is trusted already, part of the set. Rejections: those of
/// a client, file-too-large. Faults: NotFound, Denied, Network, Timeout, Io.
Result<void> load_delegated(trust::TrustedSet& set, trust::Transport& transport, const RoleName& role,
                            const RoleName& delegator);

/// Searches through the delegations, from a set that read_as_client() gave. Rejections: target-not-found,
/// delegation-bomb, those of the roles on the way. Faults: NotFound, Denied, Io.
Result<trust::Found> find_target(const trust::TrustedSet& set, const std::filesystem::path& repo_dir,
                                 const TargetName& name);

/// Which role lists the name for some vehicle, if one does that is neither `but` nor one of its bins. Asks
/// roles that come before `but`, and those behind that would be asked too. Rejections: those of the roles on
/// the way. Faults: NotFound, Denied, Io.
Result<std::optional<RoleName>> lister_before(const trust::TrustedSet& set,
                                              const std::filesystem::path& repo_dir, const TargetName& name,
                                              const RoleName& but);

}  // namespace cotter::repository
