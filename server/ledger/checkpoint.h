// Checkpoints (c2sp.org/tlog-checkpoint): how many entries a log has and what its root is, signed.
// Never reads one that can be written in a second way. Pure, but for the signer that it is handed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "server/ledger/merkle.h"
#include "server/ledger/note.h"

namespace cotter::ledger {

struct Checkpoint {
  std::string origin;  ///< which log: the name of its key too
  std::uint64_t size = 0;
  Hash root{};
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The origin of the log that this key signs, one of its own: "cotter-ledger/" and 16 digits of the key id.
std::string origin_of(const crypto::PublicKey& key);
/// The key of that log, as its readers need it. Fault: Usage (not ed25519).
Result<VerifierKey> verifier_key(const crypto::PublicKey& key);

/// The three lines that are signed.
std::string checkpoint_text(const Checkpoint& checkpoint);
/// Exactly three lines: origin, size without leading zeros (at most kMaxSize), base64 of the root. Extension
/// lines are refused: we write none. Fault: Denied.
Result<Checkpoint> parse_checkpoint(std::string_view text);

/// The note, signed under the checkpoint's origin. Faults: Usage, those of the signer.
Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, crypto::Signer& signer);
/// Fault: Denied (the key did not sign it, it is no checkpoint, or of another log than the key).
Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& key);

}  // namespace cotter::ledger
