// All that ends in a workspace: metadata of both repositories, certificates, ceremonies that are open.
// Never asks for a passphrase, and never changes anything. One thread.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/app/forecast.h"
#include "server/app/key_inventory.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Whom it stops, who must act and by which command. Ids: "image/ROLE", "director/root", "director/sets" (the
/// set of all vehicles' that ends last: each is made anew when its vehicle asks), "pki/server", "pki/ca",
/// "pki/devices-2028-11" (the certificates that end in that month, from the first on), "pending/FILE". A
/// life that nobody wrote down the beginning of began as long before its end as cotter.toml says. Faults:
/// those of reading. Rejections: a supplier's policy that somebody damaged.
Result<std::vector<Perishable>> perishables_of(const Workspace& workspace, const KeyBook& book, UtcTime now);

}  // namespace cotter::app
