// Whoever signs a log's checkpoints and remembers which was the last: each goes on from the one before, as a
// witness would ask (c2sp.org/tlog-witness).
// Never signs two that a reader could not bring together. Pure, but for what implementations remember in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/public_key.h"
#include "server/ledger/checkpoint.h"
#include "server/ledger/merkle.h"

namespace cotter::ledger {

/// A log as it stands. All entries that it counts are committed: of those that are rolled back others may
/// take the place, and nothing that was signed could go on from there.
struct Log {
  std::uint64_t size = 0;
  HashReader hashes;  ///< Fault where one is missing that was there: Conflict
};

/// What is remembered of the checkpoint that was signed last.
struct SignedHead {
  std::uint64_t size = 0;
  Bytes digest;  ///< SHA-256 of its text, which says the root
  static SignedHead of(const Checkpoint& checkpoint);
};

/// Shows that a log goes on from a checkpoint.
struct Growth {
  std::string last;         ///< the text of that checkpoint
  std::vector<Hash> proof;  ///< consistency_proof() from its size on
  friend bool operator==(const Growth&, const Growth&) = default;
};

/// The checkpoint of the log as it stands. Errors: those of its reader.
Result<Checkpoint> head_of(const std::string& origin, const Log& log);
/// From what the log says now that its head was at `size`, which is at most its own. Errors: those of its
/// reader.
Result<Growth> growth_since(std::uint64_t size, const std::string& origin, const Log& log);
/// That the log, whose head is `next`, has all entries that `last` is about as they were. Faults: Conflict
/// (it has fewer, or others), those of its reader.
Result<void> expect_growth(const Checkpoint& last, const Checkpoint& next, const Log& log);

struct LogSigner {
  virtual ~LogSigner() = default;
  [[nodiscard]] virtual const crypto::PublicKey& public_key() const noexcept = 0;
  /// Nothing before the first. Faults: Conflict (what is remembered is damaged), Busy, Timeout, Denied, Io.
  virtual Result<std::optional<SignedHead>> last() = 0;
  /// The note of the log's head, which is the last from then on, durably. The same head may be signed again.
  /// Two at once are the caller's to prevent. Faults: Conflict (the log does not go on from the last, or
  /// hashes of it are missing), and of the key and the memory: Denied, Busy, Timeout, NoSpace, Io.
  virtual Result<std::string> sign(const Log& log) = 0;
};

}  // namespace cotter::ledger
