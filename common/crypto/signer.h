// The seam to whatever holds a private key: file, token, TPM, another process.
// Never gives the key away.
// Implementations belong to one thread at a time unless they say more.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/public_key.h"

namespace cotter::crypto {

struct Signature {
  KeyId keyid;
  Bytes bytes;
};

struct Signer {
  virtual ~Signer() = default;
  [[nodiscard]] virtual const PublicKey& public_key() const noexcept = 0;
  /// Signs these bytes (canonical JSON of `signed`). May block: a token or a person can be behind it. Faults:
  /// Denied, Io, Busy.
  virtual Result<Signature> sign(ByteView message) = 0;
};

}  // namespace cotter::crypto
