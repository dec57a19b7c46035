// Would the vehicles take what the director has signed for them? Each stored set as its vehicle judges it.
// Never changes anything, and signs nothing anew. As Db: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"

namespace cotter::app {

/// Vehicles that refuse their sets for one reason.
struct SetRefusal {
  std::string rule;  ///< "timestamp-expired"
  std::string role;
  std::uint64_t vehicles = 0;
  VehicleId example;
  std::string story;  ///< of the example, in a line
};

struct DirectorHealth {
  Version root_version;
  UtcTime root_expires{};
  std::uint64_t vehicles = 0;
  std::uint64_t without_set = 0;  ///< they have not asked yet, or not since their ECUs are others
  std::uint64_t accepted = 0;
  std::vector<SetRefusal> refusals;  ///< the most vehicles first
  std::string problem;               ///< that no vehicle comes beyond: the root has expired
  [[nodiscard]] bool healthy() const noexcept { return refusals.empty() && problem.empty(); }
};

/// Of each vehicle the current set, from the first root on, as by a client that stored nothing, at `now`.
/// A set that has ended is made anew when its vehicle asks: what is refused here is what it has, where nobody
/// answers. Faults: those of reading. Rejections: those of the director's roots.
Result<DirectorHealth> check_director(host::Db& db, const std::filesystem::path& director_dir, UtcTime now);

}  // namespace cotter::app
