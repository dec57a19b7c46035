// Proofs of `cotter key list` and `cotter key forecast`: a folder from which a stranger sees whose keys there
// are, what became of them, and what of the metadata ends when. Never changes the workspace, asks for no
// passphrase, and hands out nothing that read_proven_keys() would not believe. One thread.
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/app/trace_workspace.h"
#include "server/app/workspace.h"
#include "server/ledger/note.h"

namespace cotter::app {

/// Writes into `dir`, which is made where it is not there: keys.json; forecast.json, as of `at`;
/// entry-INDEX.json, a proof for each event of a key and for the publication of each of the files; the image
/// repository's metadata as it is served, but for bins, with all its roots; VERSION.ROLE.release of a release
/// role's own file; the director's roots in director/. Events that no checkpoint is about yet are left out.
/// Faults: NotFound (no checkpoint of the ledger), Denied (the ledger was tampered with, or what was written
/// does not hold), NoSpace, Busy, Io. Rejections: those of a client.
Result<ProofFolder> write_key_proofs(const Workspace& workspace, host::Db& db, const ledger::VerifierKey& key,
                                     const std::filesystem::path& dir, UtcTime at);

}  // namespace cotter::app
