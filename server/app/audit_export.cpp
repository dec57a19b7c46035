#include "server/app/audit_export.h"

#include <system_error>

#include "common/host/atomic_file.h"
#include "server/ledger/entry.h"
#include "server/ledger/tiles.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxTileBytes = ledger::kTileWidth * (2 + ledger::kMaxEntryBytes);

Result<void> make_folders(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) return fail(host::errno_fault("cannot make " + dir.string(), error.value()));
  return {};
}

/// false: it was there already.
Result<bool> write_tile(const fs::path& path, const Bytes& bytes) {
  TRY(make_folders(path.parent_path()));
  auto written = host::create_atomically(path, bytes);
  if (written) return true;
  if (!is_fault(written.error(), Fault::Kind::Conflict)) return fail(written.error());
  if (TRY(host::read_file(path, kMaxTileBytes)) == bytes) return false;
  return fault(
      Fault::Kind::Conflict, path.string() + " is there already, with other content",
      "it is of another log, or this one was rewritten since: `cotter audit verify --against` with the"
      " checkpoint in that folder tells");
}

}  // namespace

Result<LedgerExport> export_ledger(host::Db& db, const fs::path& dir) {
  storage::LedgerStore store(db);
  const auto newest = TRY(store.newest_checkpoint());
  if (!newest) {
    return fault(Fault::Kind::NotFound, "no checkpoint of the ledger was signed yet",
                 "cotterd and `cotter publish` sign one when they next sign");
  }
  LedgerExport done;
  done.entries = newest->size;
  const auto body = [&](std::uint64_t index) { return store.body(index); };
  TRY(make_folders(dir));
  TRY(ledger::for_each_tile(newest->size, [&](const ledger::Tile& tile) -> Result<void> {
    const Bytes bytes = TRY(ledger::tile_bytes(tile, store.reader(), body));
    if (TRY(write_tile(dir / tile.path(), bytes))) ++done.written;
    return {};
  }));
  TRY(host::write_atomically(dir / "checkpoint", as_bytes(newest->note)));
  return done;
}

}  // namespace cotter::app
