// Who could make vehicles run a file of their own under one name: who can sign it, and what else that takes.
// Never changes anything, and asks for no key. One thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/trust/seams.h"
#include "server/app/requirement.h"
#include "server/app/signing_paths.h"

namespace cotter::app {

/// The keys of one repository's top-level roles.
struct TopLevelKeys {
  Requirement root;  ///< may replace all of the others
  Requirement targets;
  Requirement snapshot;
  Requirement timestamp;

  static TopLevelKeys of(const model::Root& root);
};

/// The search for the name by one kind of ECU.
struct HardwareSearch {
  std::optional<HardwareId> hardware;  ///< none: of every kind that is not named elsewhere
  SigningPaths paths;
};

struct WhoCanSign {
  std::vector<HardwareSearch> searches;  ///< one, unless delegations on the way are for certain hardware
  Requirement requirement;               ///< to have it found in any of them
  KeySets sets;                          ///< that meet it
  TopLevelKeys image;                    ///< snapshot and timestamp: to publish it
  std::optional<TopLevelKeys> director;  ///< targets, snapshot and timestamp: to have it installed
};

/// As signing_paths() says of the repository behind `transport`, read from its first root. Freshness is not
/// asked for: who may sign does not change by it. `hardware`: none asks for every kind of ECU that the
/// delegations tell apart. `director_dir`: of the workspace, where the repository
/// belongs to one. Faults and Rejections: those of reading.
Result<WhoCanSign> who_can_sign(trust::Transport& transport,
                                const std::optional<std::filesystem::path>& director_dir,
                                const TargetName& target, const std::optional<HardwareId>& hardware,
                                std::size_t most_sets);

}  // namespace cotter::app
