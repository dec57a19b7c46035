// Opens the ceremonies that offline roles need before they expire: a renewal as it is, for their holders to
// sign. Never signs, leaves alone what waits already, and lets no role's trouble stop another's. One thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/time.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// A ceremony that was opened just now.
struct DueCeremony {
  std::string what;  ///< "image root", "director root", "image targets"
  std::filesystem::path bundle;
  UtcTime needed_by{};  ///< when what is published expires
};

/// A role that could not be looked after.
struct MissedCeremony {
  std::string what;  ///< as of DueCeremony
  Error why;
};

struct CeremonyRound {
  std::vector<DueCeremony> opened;
  std::vector<MissedCeremony> missed;
};

/// Of the roles whose published file has a fifth of its life left or less, or none: a life as
/// life_begins() says. What is in the way of one role is told beside the others' outcome: Faults of
/// reading, and those of open_root_ceremony() and open_targets_ceremony(); Rejections: those of a client; of
/// a bundle in pending/ that is damaged those of OfflineBundle::read(), unless a good one of its role waits.
CeremonyRound open_due_ceremonies(const Workspace& workspace, UtcTime now);

}  // namespace cotter::app
