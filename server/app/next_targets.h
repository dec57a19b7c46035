// The image repository's next targets file, before it is published: whether what lies below it stays good. Never asks who signed it: that is the rehearsal's. One thread.
#pragma once

#include "common/base/result.h"
#include "common/model/roles.h"
#include "common/trust/trusted_set.h"
#include "server/repository/layout.h"

namespace cotter::app {

/// Whether vehicles could still read what delegated roles have published, where `next` gives these other
/// keys: a search that comes to a file which does not verify ends there (VER-41). Files that do not verify as
/// it is are no loss. Faults: Denied (which roles, and what to do first), Io.
Result<void> check_delegated(const trust::TrustedSet& published, const repository::Layout& layout,
                             const model::Targets& next);

}  // namespace cotter::app
