#include "server/keys/keyring.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/host/passphrase.h"
#include "common/model/roles.h"
#include "common/model/time_source.h"

namespace cotter::keys {
namespace {

struct OnlineRole {
  Repository repository;
  const RoleName& (*role)();
};
constexpr std::array kOnlineRoles = {
    OnlineRole{Repository::Image, &model::snapshot_role},
    OnlineRole{Repository::Image, &model::timestamp_role},
    OnlineRole{Repository::Director, &model::targets_role},
    OnlineRole{Repository::Director, &model::snapshot_role},
    OnlineRole{Repository::Director, &model::timestamp_role},
    OnlineRole{Repository::Director, &model::time_source_role},
};

}  // namespace

std::string key_name(Repository repository, const RoleName& role) {
  return std::string(name_of(repository)) + "-" + role.value();
}

std::string numbered(const std::string& key_name, int number) {
  return number <= 1 ? key_name : key_name + "-" + std::to_string(number);
}

Result<Keyring> Keyring::open(const std::filesystem::path& keys_dir, keystore::Unlock unlock,
                              const std::vector<RoleName>& release_roles) {
  auto folder = TRY(keystore::KeyFolder::open(keys_dir, unlock));
  if (folder.keys().empty()) return fault(Fault::Kind::NotFound, "no key in " + keys_dir.string());
  Keyring ring(keys_dir, std::move(unlock));
  TRY(ring.take(folder, kLedgerKeyName));
  if (crypto::Signer* ledger = ring.named(kLedgerKeyName); ledger != nullptr)
    ring.ledger_ = std::make_unique<FileLogSigner>(keys_dir, *ledger);
  for (const OnlineRole& online : kOnlineRoles) {
    const std::string name = key_name(online.repository, online.role());
    for (int number = 1; number <= kMostKeysOfARole; ++number) TRY(ring.take(folder, numbered(name, number)));
  }
  for (const RoleName& role : release_roles) {
    const keystore::KeyInfo* key = release_key(folder.keys(), role);
    if (key != nullptr)
      ring.signers_.emplace(key_name(Repository::Image, role), TRY(folder.signer(key->name)));
  }
  return ring;
}

/// A missing key is told when somebody wants it.
Result<void> Keyring::take(keystore::KeyFolder& folder, const std::string& name) {
  const bool is_there =
      std::ranges::find(folder.keys(), name, &keystore::KeyInfo::name) != folder.keys().end();
  if (!is_there || signers_.contains(name)) return {};
  signers_.emplace(name, TRY(folder.signer(name)));
  return {};
}

const keystore::KeyInfo* release_key(const std::vector<keystore::KeyInfo>& keys, const RoleName& role) {
  const std::string made_for = std::string(name_of(Repository::Image)) + "/" + role.value();
  const auto found = std::ranges::find(keys, made_for, &keystore::KeyInfo::role);
  return found == keys.end() ? nullptr : &*found;
}

Result<std::unique_ptr<Signers>> open_signers(const std::filesystem::path& keys_dir, keystore::Unlock unlock,
                                              const std::vector<RoleName>& release_roles) {
  Keyring ring = TRY(Keyring::open(keys_dir, std::move(unlock), release_roles));
  return std::unique_ptr<Signers>(std::make_unique<Keyring>(std::move(ring)));
}

keystore::Unlock unattended(const crypto::Secret& passphrase, std::optional<int> pin_fd) {
  keystore::Unlock unlock = keystore::unlock_by(passphrase);
  unlock.pin = {[pin_fd](const std::string& token) {
                  return host::read_passphrase({pin_fd, "", "PIN of token " + token});
                },
                false};
  return unlock;
}

Result<crypto::Signer*> Keyring::signer(Repository repository, const RoleName& role) {
  if (crypto::Signer* found = named(key_name(repository, role)); found != nullptr) return found;
  return fault(Fault::Kind::NotFound,
               "no online key for " + std::string(name_of(repository)) + "/" + role.value(),
               "cotter key list shows the keys of this workspace");
}

Result<std::vector<crypto::Signer*>> Keyring::all_of(Repository repository, const RoleName& role) {
  const bool is_online = std::ranges::any_of(kOnlineRoles, [&](const OnlineRole& online) {
    return online.repository == repository && online.role() == role;
  });
  std::vector<crypto::Signer*> signers;
  if (!is_online) return signers;
  auto folder = TRY(keystore::KeyFolder::open(keys_dir_, unlock_));
  for (int number = 1; number <= kMostKeysOfARole; ++number) {
    const std::string name = numbered(key_name(repository, role), number);
    TRY(take(folder, name));
    if (crypto::Signer* found = named(name); found != nullptr) signers.push_back(found);
  }
  return signers;
}

crypto::Signer* Keyring::named(std::string_view key) const noexcept {
  const auto found = signers_.find(key);
  return found == signers_.end() ? nullptr : found->second.get();
}

}  // namespace cotter::keys
