// The image repository's targets file as its holders' ceremony: renewed as it is, its delegations' keys
// changed, and whatever waits closed with the signatures that came back. Never changes an image: that is a
// publication's. One thread.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/targets_change.h"
#include "server/app/workspace.h"
#include "server/ceremony/key_change.h"
#include "server/ceremony/offline_bundle.h"

namespace cotter::app {

/// A new version with what waits already, the change of delegations, and a new life; the holders at hand sign
/// it. Faults: those of with_delegation_keys(), Conflict (it does not go with what waits), those of
/// TargetsChange.
Result<TargetsOutcome> open_targets_ceremony(const Workspace& workspace, const TargetsSigning& signing,
                                             const ceremony::KeyChange& delegations, UtcTime now);

/// Takes the signatures of `copies`, which may be none, and publishes once enough have signed. Faults: those
/// of TargetsChange. Rejections: those of a client.
Result<TargetsOutcome> close_targets_ceremony(const Workspace& workspace, const TargetsSigning& signing,
                                              const std::vector<ceremony::OfflineBundle>& copies,
                                              UtcTime now);

}  // namespace cotter::app
