// Which vehicles wait in vain, why, and what a person can do about it: no state lasts for ever unseen
// (GAP-20, DIR-48). Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/strong.h"
#include "common/base/time.h"
#include "server/inventory/vehicle.h"

namespace cotter::director {

struct Deadlines {
  std::chrono::seconds to_confirm =
      std::chrono::days(14);  ///< from an assignment to the ECU's own report of it
  std::chrono::seconds to_be_accepted =
      std::chrono::days(1);  ///< from a first refused manifest to one that is not
};

/// What is known of a vehicle.
struct Standing {
  inventory::Vehicle vehicle;
  std::optional<inventory::ManifestRefusal> refused{};
  std::map<EcuSerial, std::string> complaints{};  ///< what an ECU has said against what it is to run
};

struct Stuck {
  std::optional<EcuSerial> ecu{};  ///< none: the whole vehicle
  UtcTime since{};
  std::string why;
  std::string what_to_do;
};

/// All that is past its deadline at `now`, the whole vehicle's first; of one whose manifests are refused
/// nothing else, for nothing newer is known of its ECUs. An image that we never gave an ECU has no deadline
/// (DIR-27). Silence counts: a vehicle that says nothing of its assignment is past the deadline as one that
/// fails.
std::vector<Stuck> stuck(const Standing& standing, UtcTime now, const Deadlines& deadlines = {});

}  // namespace cotter::director
