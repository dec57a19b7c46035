// Whose keys could put a file under one name into an image repository, found by the search that a vehicle
// would make there. Never writes; never counts a role that the search does not come to. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"
#include "server/app/requirement.h"

namespace cotter::app {

/// A role that the search asks for the name.
struct AskedRole {
  RoleName role;
  RoleName delegator;
  std::uint32_t depth = 0;           ///< 0: targets
  Requirement keys;                  ///< that sign for it, as delegated by `delegator`
  std::string by;                    ///< how the delegation covers the name: "brakes/*", "hash prefix 3f"
  std::vector<HardwareId> hardware;  ///< the delegation's; empty: any
  bool terminating = false;
  std::optional<RoleName> among;  ///< one of several roles that must agree: the name of their entry
  std::uint32_t agreeing = 1;     ///< how many of those must
  bool lists = false;             ///< the name, today
  std::string broken;             ///< why its file cannot be used, which ends the search; empty: it can
};

/// A role whose delegation covers the name and whose word nevertheless does not count for it.
struct UnaskedRole {
  RoleName role;
  RoleName delegator;
  std::string why;
};

struct SigningPaths {
  Requirement requirement;       ///< to sign; to publish it and to have it assigned takes more
  std::vector<AskedRole> asked;  ///< in order: the first that lists the name wins
  std::vector<UnaskedRole> unasked;
  /// That delegations on the way are restricted to: the answer may be another for each.
  std::set<HardwareId> hardware_named;
};

/// By the delegations of today, in the order of trust::DelegationWalk. Who controls a role lists the name in
/// it, or empties it so that the next is asked; others' roles say what they say today, so what an earlier
/// role lists already is in the way of a later one. `hardware`: none asks for the name alone, as plain TUF
/// does. A role that two others delegate to with different keys is judged by each delegation for itself.
/// Faults: Usage (a name that no vehicle takes); those of reading, but NotFound, which is part of the answer
/// as a Rejection is.
Result<SigningPaths> signing_paths(trust::TrustedSet image, trust::Transport& transport,
                                   const TargetName& target, const std::optional<HardwareId>& hardware);

}  // namespace cotter::app
