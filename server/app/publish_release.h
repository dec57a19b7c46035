// Publishing one image: taken in, described, signed by the holders, published; or left waiting for their
// signatures. Never lists an image that is not stored, never loses a release that waits. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/targets_change.h"
#include "server/app/workspace.h"
#include "server/repository/publisher.h"

namespace cotter::app {

struct PublishRequest : TargetsSigning {
  std::filesystem::path file{};
  repository::Release release{};  ///< length and hashes are found out here
  std::function<void(std::uint64_t bytes_done)> progress{};
};

struct PublishOutcome : TargetsOutcome {
  std::uint64_t length = 0;
  crypto::Hashes hashes{};
  ReleaseCounter counter{};
  std::vector<HardwareId> unknown_hardware{};  ///< of its hardware ids those that no recorded ECU has
};

/// One bundle waits at a time: the next release joins it, under a new version that replaces the bundle and
/// asks for its signatures anew. The same release again, with holders, adds their signatures to the bundle
/// that waits. Faults: Usage (release or file will not do), NotFound (the file), Conflict (the file changed
/// meanwhile), Denied (release counter too low; a holder's key is not one of the role's), Busy, NoSpace, Io.
/// Rejections: those of a client (root-expired, …). Whatever fails, clients see the old state.
Result<PublishOutcome> publish_release(const Workspace& workspace, const PublishRequest& request,
                                       UtcTime now);

}  // namespace cotter::app
