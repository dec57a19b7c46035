// Whoever has the online keys: this process (Keyring), or the signing process (signing::RemoteSigners).
// Never hands out an offline key. As its implementations say.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/signer.h"
#include "common/model/roles.h"
#include "server/ledger/log_signer.h"

namespace cotter::keys {

/// A role's keys while one follows another: image-snapshot, then image-snapshot-2 to image-snapshot-9.
inline constexpr int kMostKeysOfARole = 9;
std::string numbered(const std::string& key_name, int number);

struct Signers {
  virtual ~Signers() = default;
  /// The signer of image snapshot or timestamp, of director targets, snapshot or timestamp, of the time
  /// source that the director's root lists, or of an image release role; it lives as long as this. Faults:
  /// NotFound (the role is signed offline, or there is no key for it); Busy, Timeout, Denied (of a signing
  /// process).
  virtual Result<crypto::Signer*> signer(Repository repository, const RoleName& role) = 0;
  /// The signers of all the keys that there are for the role now: for none, none. Faults: as signer().
  virtual Result<std::vector<crypto::Signer*>> all_of(Repository repository, const RoleName& role) = 0;
  /// Of those one that `root` lists. Faults: Denied (it lists none of them), and those of all_of().
  Result<crypto::Signer*> listed(const model::Root& root, Repository repository, const RoleName& role);
  /// The signer of the ledger, likewise; nullptr in a workspace from before there was one.
  [[nodiscard]] virtual ledger::LogSigner* ledger() const noexcept = 0;
};

}  // namespace cotter::keys
