// The online keys of a workspace, by the role that they sign for.
// Never reaches an offline key: roots and the image repository's targets are a holder's business. One thread
// at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/signer.h"
#include "common/keystore/key_folder.h"

namespace cotter::keys {

/// "image-snapshot": the name of the key file for a role.
std::string key_name(Repository repository, const RoleName& role);

class Keyring {
 public:
  /// Unlocks `keys_dir` (a workspace's keys_dir()) once. Faults: NotFound (no folder, no key in it; a token
  /// that is not plugged in), Denied (wrong passphrase or PIN), Io.
  static Result<Keyring> open(const std::filesystem::path& keys_dir, keystore::Unlock unlock);
  /// The signer of image snapshot or timestamp, of director targets, snapshot or timestamp, or of the time
  /// source that the director's root lists; it lives as long as the Keyring. Fault: NotFound (the role is
  /// signed offline, or its key file is missing).
  Result<crypto::Signer*> signer(Repository repository, const RoleName& role);

 private:
  Keyring() = default;
  std::map<std::string, std::unique_ptr<crypto::Signer>> signers_;
};

}  // namespace cotter::keys
