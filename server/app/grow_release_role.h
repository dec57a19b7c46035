// Growing a release role: each of its bins is split into twice, four times, … as many. The holders of targets
// agree first, in their own file, for the role's online key alone must not reshape what vehicles fetch; then
// one publication shows the role's new file and all new bins. Never joins bins, never shows some of them,
// never takes an old bin's name out of the snapshot, holds one old bin in memory at a time. One thread.
#pragma once

#include <cstdint>
#include <functional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/release_role.h"
#include "server/app/targets_change.h"
#include "server/app/workspace.h"

namespace cotter::app {

struct GrowRequest : TargetsSigning {
  RoleName role;
  std::uint32_t bit_length = 0;
  bool confirmed = false;                             ///< else it is only said what would change
  std::function<Result<ReleaseSigners>()> signers{};  ///< asked for once the holders have agreed
};

/// What it is that people decide on. Sizes in bytes.
struct Growth {
  std::uint64_t bins_before = 0, bins = 0;
  std::uint64_t left_behind = 0;  ///< names of bins that the snapshot goes on listing, for good
  std::uint64_t snapshot_before = 0, snapshot = 0;
  std::uint64_t packed_before = 0, packed = 0;  ///< the snapshot, as most clients fetch it
  std::uint64_t bin_before = 0, bin = 0;        ///< about what one bin weighs
};

struct GrowOutcome {
  enum class State : std::uint8_t {
    Unchanged,  ///< the role has these bins already
    WouldGrow,  ///< not confirmed: nothing was done
    Awaiting,   ///< the holders have still to agree
    Grown,
  };
  State state = State::Unchanged;
  Growth growth;
  bool agreed = false;         ///< the holders had agreed before
  TargetsOutcome agreement{};  ///< Awaiting; Grown, where they agreed just now
  Version release;             ///< Grown: of the bins
  PublishedVersions versions;  ///< Grown
};

/// Killed at any moment clients see the old bins, whole, or the new ones, and run again it goes on. Faults:
/// Usage (fewer bits, or too many), NotFound (no such role), Conflict (a new bin's name is somebody's),
/// Denied (a key that is not the role's; part of the fleet could not verify the snapshot), those of
/// TargetsChange and of RepositoryWriter::publish_release(). Rejections: those of a client.
Result<GrowOutcome> grow_release_role(const Workspace& workspace, const GrowRequest& request, UtcTime now);

}  // namespace cotter::app
