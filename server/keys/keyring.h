// The online keys of a workspace, by the role that they sign for.
// Never reaches an offline key: roots and the image repository's targets are a holder's business. One thread
// at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/signer.h"
#include "common/keystore/key_folder.h"
#include "server/keys/file_log_signer.h"
#include "server/keys/signers.h"

namespace cotter::keys {

/// "image-snapshot": the name of the key file for a role.
std::string key_name(Repository repository, const RoleName& role);
/// The key file that signs the ledger's checkpoints.
inline constexpr const char* kLedgerKeyName = "ledger";

class Keyring final : public Signers {
 public:
  /// Unlocks `keys_dir` (a workspace's keys_dir()) once. Faults: NotFound (no folder, no key in it; a token
  /// that is not plugged in), Denied (wrong passphrase or PIN), Io. `release_roles`: those whose keys are
  /// wanted too; they are left alone unless somebody releases.
  static Result<Keyring> open(const std::filesystem::path& keys_dir, keystore::Unlock unlock,
                              const std::vector<RoleName>& release_roles = {});
  Result<crypto::Signer*> signer(Repository repository, const RoleName& role) override;
  /// Looks into the folder again: a key may have come in since.
  Result<std::vector<crypto::Signer*>> all_of(Repository repository, const RoleName& role) override;
  [[nodiscard]] ledger::LogSigner* ledger() const noexcept override { return ledger_.get(); }
  /// By key_name(), numbered or not, or kLedgerKeyName; nullptr when there is none, or when it is no online
  /// key's.
  [[nodiscard]] crypto::Signer* named(std::string_view key) const noexcept;

 private:
  Keyring(std::filesystem::path keys_dir, keystore::Unlock unlock)
      : keys_dir_(std::move(keys_dir)), unlock_(std::move(unlock)) {}
  Result<void> take(keystore::KeyFolder& folder, const std::string& name);
  std::filesystem::path keys_dir_;
  keystore::Unlock unlock_;
  std::map<std::string, std::unique_ptr<crypto::Signer>, std::less<>> signers_;
  std::unique_ptr<FileLogSigner> ledger_;  ///< by the signer of that name
};

/// Of these keys the one that was made for a release role, image/ROLE, whatever its own name; nullptr
/// without.
const keystore::KeyInfo* release_key(const std::vector<keystore::KeyInfo>& keys, const RoleName& role);

/// A Keyring, for who does not care where the keys are. As Keyring::open().
Result<std::unique_ptr<Signers>> open_signers(const std::filesystem::path& keys_dir, keystore::Unlock unlock,
                                              const std::vector<RoleName>& release_roles = {});

/// For a service: `passphrase`, which must outlive what comes of this, and the PINs of tokens a line each
/// from `pin_fd`.
keystore::Unlock unattended(const crypto::Secret& passphrase, std::optional<int> pin_fd);

}  // namespace cotter::keys
