// A proof that an entry is in the ledger, for somebody who has the ledger's key and nothing else of ours.
// Never hands out a proof that does not hold; needs no passphrase. As Db: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/host/sqlite.h"
#include "server/ledger/proof.h"

namespace cotter::app {

/// Of entry `index`, under the newest checkpoint. Faults: NotFound (no such entry, none that is signed for
/// yet, or no checkpoint at all), Denied (the ledger was tampered with: what is stored does not prove it),
/// Busy, Io.
Result<ledger::Proof> prove_entry(host::Db& db, const ledger::VerifierKey& key, std::uint64_t index);

/// "entry-7.json"
std::string proof_file_name(std::uint64_t index);

struct EntryProofs {
  std::vector<std::uint64_t> proven{};
  std::vector<std::uint64_t> unsigned_yet{};  ///< the newest checkpoint is older than these
};
/// Writes a proof of each into the folder, which is there. Faults: as prove_entry(), NoSpace.
Result<EntryProofs> write_entry_proofs(host::Db& db, const ledger::VerifierKey& key,
                                       const std::set<std::uint64_t>& indexes,
                                       const std::filesystem::path& dir);

}  // namespace cotter::app
