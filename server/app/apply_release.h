// Many images released at once: stored, listed in the bins of release roles, and visible together or not at
// all. Never lists an image that is not stored, never writes a bin that nothing changes in, never reads one
// that no image belongs to. One thread, but for reading the images, for which it has some of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/release_manifest.h"
#include "server/app/release_role.h"
#include "server/app/workspace.h"

namespace cotter::app {

enum class ApplyPhase : std::uint8_t { Reading, Signing };

using AskForSigners = std::function<Result<ReleaseSigners>(const RoleName&)>;

struct ApplyRequest {
  ReleaseManifest manifest;
  AskForSigners
      signers;  ///< asked for each role in which something changes, once all is well with all of them
  bool dry_run = false;  ///< all is checked, nothing kept or signed
  /// Once so many bytes more are read, those images are made durable and remembered, in case it is stopped.
  /// A release of less has no such step, and costs what it would cost without.
  std::uint64_t remember_every = std::uint64_t{256} * 1024 * 1024;
  /// How much is done, and of how much: of the bytes of images that are to be read; then of the bins that are
  /// to be signed and written. On the caller's thread.
  std::function<void(ApplyPhase, std::uint64_t done, std::uint64_t total)> progress{};
};

/// What becomes of one of the manifest's roles.
struct RoleOutcome {
  std::uint64_t added = 0, replaced = 0, unchanged = 0;
  std::uint64_t bins = 0;  ///< that it touches
  Version release{};       ///< Published, and something changed in it: of those bins
};

struct ApplyOutcome {
  enum class State : std::uint8_t { Published, Unchanged, WouldPublish };
  State state = State::Unchanged;
  std::map<RoleName, RoleOutcome> roles{};
  std::uint64_t added = 0, replaced = 0, unchanged = 0;  ///< of all roles together, as the bins
  std::uint64_t bins = 0;
  std::uint64_t bytes = 0;                     ///< of images read now, each file once
  std::vector<ReleaseCounter> counters{};      ///< of each artifact, in the manifest's order
  std::vector<crypto::Hashes> hashes{};        ///< likewise
  std::vector<HardwareId> unknown_hardware{};  ///< that no recorded ECU has
  PublishedVersions versions;
};

/// In this order: checks the manifest, reads and hashes each file once, makes the images durable in one
/// batch, signs one new version of each bin that changes, role by role, one snapshot, one timestamp. Stopped
/// or killed at any moment and run again it reads what it did not remember, or what changed since (decision
/// 0033), and writes what is missing; with release counters in the manifest the outcome
/// is the same as if nothing had happened. Without, all images of the manifest for one hardware id get the
/// same next counter. Memory: that of the manifest and of one bin. Faults: Denied (the role may not list that
/// name or hardware; another role lists it; the counter goes back; a key that is not the role's), Usage,
/// NotFound (no such role, a file), Conflict (a file changed meanwhile), Busy, NoSpace, Io: all that concern
/// artifacts at once. Rejections: those of a client. Whatever fails, clients see the old state.
Result<ApplyOutcome> apply_release(const Workspace& workspace, const ApplyRequest& request, UtcTime now);

struct RenewOutcome {
  std::uint64_t renewed = 0;  ///< bins
  Version release;
  PublishedVersions versions;
};

/// Signs anew, as they stand, all bins of a role that have less than `least` of life left, and the role's own
/// file where that has. Reads every bin, one at a time. Faults and Rejections: as apply_release().
Result<RenewOutcome> renew_release_role(const Workspace& workspace, const RoleName& role,
                                        std::chrono::seconds least,
                                        const std::function<Result<ReleaseSigners>()>& signers, UtcTime now);

}  // namespace cotter::app
