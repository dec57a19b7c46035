// Ending a release role: its delegation goes, which the holders sign. Never removes its images, which another
// role may release. One thread.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/targets_change.h"
#include "server/app/workspace.h"

namespace cotter::app {

struct EndRoleRequest : TargetsSigning {
  RoleName name{};
};

/// Changes the targets as TargetsChange does; the snapshot goes on listing its bins, whose absence a client
/// would take for a rollback. Run again with more holders it adds their signatures. Faults: NotFound (no such
/// role is published), Conflict (it is a supplier's), those of TargetsChange. Rejections: those of a client.
Result<TargetsOutcome> end_release_role(const Workspace& workspace, const EndRoleRequest& request,
                                        UtcTime now);

}  // namespace cotter::app
