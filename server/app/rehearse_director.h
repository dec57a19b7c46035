// Whether vehicles would follow the root that a director is about to publish, and take what it signs for them
// under it: played with the client's own core, as one fresh from the factory and as one that has what it has.
// Never stores, hands out or tells the ledger of what it has signed. As Db: one thread at a time.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/app/director_roots.h"
#include "server/app/workspace.h"
#include "server/keys/signers.h"

namespace cotter::app {

/// The last of `roots` is the one that is to be published; there is another before it. Rejections: those of a
/// root.
Result<void> rehearse_root_chain(const DirectorRoots& roots, UtcTime now);

/// Signs with the director's own signers, as rehearse_signing() does, for one vehicle of each kind that the
/// director would sign for alike (storage::VehiclesAlike); where none is recorded, for one that nobody
/// builds. Faults: Denied (vehicles would be stranded: how many, which, and why), and those that say nothing
/// of the root: Busy, Timeout, NoSpace, Io.
Result<void> rehearse_sets(host::Db& db, const DirectorRoots& roots, keys::Signers& keys,
                           const Lifetimes& lifetimes, UtcTime now);

}  // namespace cotter::app
