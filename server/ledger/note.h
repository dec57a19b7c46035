// Signed notes (c2sp.org/signed-note): a text, a blank line, and lines that say who signed it. Ed25519 only.
// Never gives away a text whose signature was not checked. Pure, but for the signer that it is handed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/public_key.h"
#include "common/crypto/signer.h"

namespace cotter::ledger {

/// A checkpoint takes 300 bytes; this leaves room for the signatures of witnesses.
inline constexpr std::size_t kMaxNoteBytes = std::size_t{64} * 1024;

/// The public half of a key under the name that it signs by.
class VerifierKey {
 public:
  /// `name` is not empty and has no spaces and no `+` in it; the key is ed25519. Fault: Usage.
  static Result<VerifierKey> create(std::string name, const crypto::PublicKey& key);
  /// Reads NAME+HASH+KEY: eight lower-case hex digits, base64 of 0x01 || key. Fault: Usage (another form, or
  /// the hash is not that of name and key).
  static Result<VerifierKey> parse(std::string_view text);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const crypto::PublicKey& key() const noexcept { return key_; }
  /// SHA-256(name || "\n" || 0x01 || key)[:4]
  [[nodiscard]] const Bytes& key_hash() const noexcept { return key_hash_; }
  /// What parse() reads.
  [[nodiscard]] std::string text() const;

 private:
  VerifierKey(std::string name, crypto::PublicKey key, Bytes key_hash)
      : name_(std::move(name)), key_(std::move(key)), key_hash_(std::move(key_hash)) {}
  std::string name_;
  crypto::PublicKey key_;
  Bytes key_hash_;
};

/// The note with one signature. `text` ends in a newline and has no control character but newlines. Faults:
/// Usage (as VerifierKey::create), those of the signer.
Result<std::string> sign_note(std::string_view text, const std::string& name, crypto::Signer& signer);

/// The text that `key` signed, with its last newline. Signatures of other keys are passed over, as the
/// standard asks. Fault: Denied (too long, another form, no signature of this key, or a wrong one).
Result<std::string> open_note(std::string_view note, const VerifierKey& key);

}  // namespace cotter::ledger
