// The image repository's next targets file, before it is published: whether what lies below it stays good,
// and what the ledger keeps of it. Never asks who signed it: that is the rehearsal's. One thread.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/model/roles.h"
#include "common/trust/trusted_set.h"
#include "server/app/published_files.h"
#include "server/ledger/entry.h"
#include "server/repository/layout.h"

namespace cotter::app {

/// Whether vehicles could still read what delegated roles have published, where `next` gives these other
/// keys: a search that comes to a file which does not verify ends there (VER-41). Files that do not verify as
/// it is are no loss. `db`: who is a supplier, and may get other keys for its bins. Faults: Denied (which
/// roles, and what to do first), Busy, Io.
Result<void> check_delegated(host::Db& db, const trust::TrustedSet& published,
                             const repository::Layout& layout, const model::Targets& next);

/// The transcript: what the holders signed, in words computed from both files, its hash as it was read
/// aloud, and whose signatures it has.
ledger::Entry transcript_of(const model::Targets& published, const VouchedTargets& next, UtcTime now);

}  // namespace cotter::app
