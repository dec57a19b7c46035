// The ledger as static files that others' tools read (c2sp.org/tlog-tiles): checkpoint, tile/...
// Never overwrites a tile by another; needs no passphrase. As Db: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/result.h"
#include "common/host/sqlite.h"

namespace cotter::app {

struct LedgerExport {
  std::uint64_t entries = 0;  ///< as many as the newest checkpoint is about
  std::uint64_t written = 0;  ///< files that were not there before
};

/// Writes the entries that the newest checkpoint signs, with their tiles, and last the checkpoint. `dir` may
/// hold an earlier export, which then grows. Faults: NotFound (no checkpoint was signed yet), Conflict (`dir`
/// holds other tiles: of another log, or of this one before it was rewritten), Denied, NoSpace, Busy, Io.
Result<LedgerExport> export_ledger(host::Db& db, const std::filesystem::path& dir);

}  // namespace cotter::app
