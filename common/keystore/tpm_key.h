// Keys that a TPM 2.0 made and wrapped: what leaves the chip is of use to that chip alone, and lies in the
// key's file. ECDSA on P-256, which every TPM 2.0 has. Never tries a password twice, for a TPM locks itself
// against too many; nor sends one in clear over its bus. Safe on any thread: calls wait for each other.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/public_key.h"
#include "common/keystore/pin.h"

namespace cotter::keystore {

/// "tpm", "tpm:TCTI", either with "?pin-source=file:/PATH" behind it. TCTI as tss2 spells it; without one
/// "device:/dev/tpmrm0".
struct TpmName {
  std::string tcti;
  std::optional<std::filesystem::path> pin_source;
  /// Fault: Usage.
  static Result<TpmName> parse(const std::string& store);
};

class Tpm {
 public:
  /// The two halves as TPM2B_PUBLIC and TPM2B_PRIVATE.
  struct Wrapped {
    Bytes public_part;
    Bytes private_part;
  };
  struct Key {
    Wrapped wrapped;
    crypto::PublicKey public_key;
  };

  explicit Tpm(TpmName name, AskPin ask_pin);
  ~Tpm();
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;

  /// A new key under the PIN. Faults: Busy, Denied (the TPM's owner has a password), Io.
  Result<Key> generate();
  /// Faults: Denied (a wrong PIN, then and ever after; while nobody attends: the same as was wrong the last
  /// time (PinMark), or the TPM is half way to its lock; it is locked), Busy, Io (no TPM answers, or another
  /// than the one that made the key).
  Result<Bytes> sign(const Wrapped& key, const crypto::PublicKey& public_key, ByteView message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cotter::keystore
