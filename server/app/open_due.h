// Opens the ceremonies that offline roles need before they expire: a renewal as it is, for their holders to
// sign. Never signs, and leaves alone what waits already. One thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// A ceremony that was opened just now.
struct DueCeremony {
  std::string what;  ///< "image root", "director root", "image targets"
  std::filesystem::path bundle;
  UtcTime needed_by{};  ///< when what is published expires
};

/// Of the roles whose published file has a fifth of its life left or less, or none: a life is what
/// cotter.toml says of new ones. Faults: those of open_root_ceremony() and open_targets_ceremony().
/// Rejections: those of a client.
Result<std::vector<DueCeremony>> open_due_ceremonies(const Workspace& workspace, UtcTime now);

}  // namespace cotter::app
