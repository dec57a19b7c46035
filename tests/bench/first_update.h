// What a vehicle's first update fetches: the real cotter-primary and secondaries, fresh from the factory,
// against the real cotterd, each of its roles a process. Never writes to the image repository. One thread.
#pragma once

#include <filesystem>
#include <vector>

#include "common/base/result.h"
#include "server/app/release_manifest.h"
#include "tests/bench/benches.h"
#include "tests/world/metadata_sent.h"

namespace cotter::bench {

/// Of a new vehicle whose ECUs are to run an image each of this repository, the first one the primary's own:
/// one cycle, after which they run them. Faults: those of the programs; Io (an ECU does not run its image).
Result<world::MetadataSent> first_update(const Places& places, const std::filesystem::path& repo,
                                         const std::vector<app::Artifact>& images);

}  // namespace cotter::bench
