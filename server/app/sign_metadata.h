// Making and signing a vehicle's director files (DIR-2, DIR-42).
// Never signs before the version is spent in the journal, never stores what the vehicle would refuse. As Db:
// one thread at a time.
#pragma once

#include <functional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "common/host/sqlite.h"
#include "server/app/director_roots.h"
#include "server/app/workspace.h"
#include "server/inventory/metadata_set.h"
#include "server/inventory/vehicle.h"
#include "server/ledger/log_signer.h"

namespace cotter::app {

/// The director's three online keys, and the ledger's.
struct DirectorSigners {
  crypto::Signer* targets = nullptr;
  crypto::Signer* snapshot = nullptr;
  crypto::Signer* timestamp = nullptr;
  ledger::LogSigner* ledger = nullptr;  ///< none: the ledger goes on unsigned
};

/// Those whose keys a root lists: asked for again when another root is published. Faults: as
/// keys::Signers::listed().
using DirectorSignersFor = std::function<Result<DirectorSigners>(const model::Root& root)>;

/// Signs targets, snapshot and timestamp for what the vehicle's ECUs are to run, plays them as this vehicle
/// would, and stores them with what was resolved and with the ledger's entry, in one transaction; then the
/// ledger is signed. When that fails the set stands, and the next one has to wait for the ledger. Rejections:
/// those of a client (threshold-not-met: the keys are not those of the root). Faults: Conflict (of
/// resolve()), those of the signers, NoSpace, Busy, Io.
Result<inventory::MetadataSet> sign_metadata(host::Db& db, const DirectorSigners& signers,
                                             const Lifetimes& lifetimes, const DirectorRoots& roots,
                                             const inventory::Vehicle& vehicle, UtcTime now);

/// Signs, under the newest of `roots`, files for the vehicle that list nothing, and plays them: as the
/// vehicle fresh from the factory would, and as it would that has its current set. Nobody gets them, and
/// their versions are spent; no entry of the ledger tells of them. Rejections and Faults: as sign_metadata().
Result<void> rehearse_signing(host::Db& db, const DirectorSigners& signers, const Lifetimes& lifetimes,
                              const DirectorRoots& roots, const inventory::Vehicle& vehicle, UtcTime now);

}  // namespace cotter::app
