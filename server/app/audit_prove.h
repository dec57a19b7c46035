// A proof that an entry is in the ledger, for somebody who has the ledger's key and nothing else of ours.
// Never hands out a proof that does not hold; needs no passphrase. As Db: one thread at a time.
#pragma once

#include <cstdint>

#include "common/base/result.h"
#include "common/host/sqlite.h"
#include "server/ledger/proof.h"

namespace cotter::app {

/// Of entry `index`, under the newest checkpoint. Faults: NotFound (no such entry, none that is signed for
/// yet, or no checkpoint at all), Denied (the ledger was tampered with: what is stored does not prove it),
/// Busy, Io.
Result<ledger::Proof> prove_entry(host::Db& db, const ledger::VerifierKey& key, std::uint64_t index);

}  // namespace cotter::app
