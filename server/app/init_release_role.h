// Making a release role: its bins, all of them, and then the delegation, which the holders sign. Never
// delegates to a bin that is not there: a client that looks for an image finds each of them. One thread.
#pragma once

#include <functional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/release_role.h"
#include "server/app/targets_change.h"
#include "server/app/workspace.h"
#include "server/repository/bins.h"

namespace cotter::app {

/// How long a bin lives. Who replays an old one is refused by the snapshot, which lives days: this is how
/// long a release may rest before cotter release renew.
inline constexpr std::chrono::days kBinLifetime{365};

struct InitRoleRequest : TargetsSigning {
  repository::ReleaseRolePlan plan;
  std::function<Result<ReleaseSigners>()> signers{};  ///< asked for where the bins are not there yet
};

struct InitRoleOutcome : TargetsOutcome {
  std::uint64_t bins = 0;
  bool bins_are_new = false;
};

/// Writes the bins and their role's file, which nothing delegates to yet, and then changes the targets as
/// TargetsChange does. Run again with more holders it adds their signatures. Faults: Usage (the plan),
/// Conflict (a role or a supplier of that name, or a role of some of its paths, is there; a bin of one of the
/// two may get the other's name), Denied (a holder's key is not one of the role's, or the role's key not the
/// plan's), those of TargetsChange. Rejections: those of a client.
Result<InitRoleOutcome> init_release_role(const Workspace& workspace, const InitRoleRequest& request,
                                          UtcTime now);

}  // namespace cotter::app
