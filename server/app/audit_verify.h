// Whether the ledger is what it was when it was signed: recomputed from its entries, not from its own hashes.
// Never changes anything, needs no passphrase. As Db: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/host/sqlite.h"
#include "server/app/workspace.h"
#include "server/ledger/checkpoint.h"
#include "server/ledger/log_signer.h"

namespace cotter::app {

/// More would say no more.
inline constexpr std::size_t kMaxLedgerProblems = 20;

struct LedgerHealth {
  std::uint64_t size = 0;
  ledger::Hash root{};
  /// The newest checkpoint; nothing where there is none, or it does not hold.
  std::optional<ledger::Checkpoint> signed_head{};
  std::vector<std::string> problems{};  ///< at most kMaxLedgerProblems
  [[nodiscard]] bool healthy() const noexcept { return problems.empty(); }
};

/// The public half of the workspace's ledger key; nothing in a workspace from before there was one. Faults:
/// those of FileKeystore::list(), Usage (not ed25519).
Result<std::optional<ledger::VerifierKey>> ledger_key(const Workspace& workspace);
/// For what is worth nothing without it. Fault besides: NotFound (there is none).
Result<ledger::VerifierKey> needed_ledger_key(const Workspace& workspace);

/// What that key signed last, by the file beside it or by the signing process that has it: no word of
/// cotter.db's. Nothing where there is no key, or it has signed nothing yet. Faults: as ledger_key(), and
/// Conflict (the file is damaged).
Result<std::optional<ledger::SignedHead>> last_signed(const Workspace& workspace);

/// Recomputes the whole log: each entry's bytes, its columns, the hashes of subtrees. With a key: every
/// checkpoint in the database is signed by it and holds, and there is one. The log still begins with `last`,
/// of last_signed(), and with each of `against`: checkpoints kept elsewhere. Time O(size), memory O(log
/// size). Faults: Usage (`against` without a key), Busy, Io.
Result<LedgerHealth> verify_ledger(host::Db& db, const std::optional<ledger::VerifierKey>& key,
                                   const std::vector<std::string>& against = {},
                                   const std::optional<ledger::SignedHead>& last = {});

}  // namespace cotter::app
