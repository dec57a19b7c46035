// Whoever has the online keys: this process (Keyring), or the signing process (signing::RemoteSigners).
// Never hands out an offline key. As its implementations say.
#pragma once

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/signer.h"

namespace cotter::keys {

struct Signers {
  virtual ~Signers() = default;
  /// The signer of image snapshot or timestamp, of director targets, snapshot or timestamp, of the time
  /// source that the director's root lists, or of an image release role; it lives as long as this. Faults:
  /// NotFound (the role is signed offline, or there is no key for it); Busy, Timeout, Denied (of a signing
  /// process).
  virtual Result<crypto::Signer*> signer(Repository repository, const RoleName& role) = 0;
  /// The signer of the ledger, likewise; nullptr in a workspace from before there was one.
  [[nodiscard]] virtual crypto::Signer* ledger() const noexcept = 0;
};

}  // namespace cotter::keys
