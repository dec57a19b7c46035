// What the ledger says of versions that were spent and that nobody was given: signed, or about to be, for a
// publication that then failed. Told with the role's next publication, which steps over them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/strong.h"
#include "common/base/time.h"
#include "server/ledger/entry.h"

namespace cotter::app {

/// A role's step from one version that is published to the next.
struct VersionStep {
  RoleName role;
  Version before;  ///< 0: none
  Version next;
};

/// The entry of all versions between; nothing where no step leaves any out.
std::optional<ledger::Entry> spent_entry(Repository repository, std::string subject,
                                         const std::vector<VersionStep>& steps, UtcTime now);

}  // namespace cotter::app
