// The vehicle that a client is told to be: vehicle.json and the files that it names (docs/attack-kit.md).
// Never writes a secret: an ECU makes its own key. One thread.
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "tests/replay/front.h"
#include "tests/scenarios/runner/stage.h"

namespace cotter::replay {

/// Into a folder that is there. `single_slot`: its secondaries have no room for a second image.
Result<void> write_vehicle(const std::filesystem::path& folder, const scenario::Stage& stage,
                           const Front& front, bool single_slot);

}  // namespace cotter::replay
