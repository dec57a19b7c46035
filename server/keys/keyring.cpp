#include "server/keys/keyring.h"

#include <array>

#include "common/host/keystore_file.h"
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

Result<Keyring> Keyring::open(const std::filesystem::path& keys_dir, const crypto::Secret& passphrase) {
  const host::FileKeystore store = TRY(host::FileKeystore::open(keys_dir, passphrase));
  Keyring ring;
  for (const OnlineRole& online : kOnlineRoles) {
    const std::string name = key_name(online.repository, online.role());
    Result<std::unique_ptr<crypto::Signer>> signer = store.signer(name);
    if (signer) {
      ring.signers_.emplace(name, *std::move(signer));
    } else if (!is_fault(signer.error(), Fault::Kind::NotFound)) {
      return fail(std::move(signer).error());  // a missing key is told when somebody wants it
    }
  }
  return ring;
}

Result<crypto::Signer*> Keyring::signer(Repository repository, const RoleName& role) {
  const auto found = signers_.find(key_name(repository, role));
  if (found != signers_.end()) return found->second.get();
  return fault(Fault::Kind::NotFound,
               "no online key for " + std::string(name_of(repository)) + "/" + role.value(),
               "cotter key list shows the keys of this workspace");
}

}  // namespace cotter::keys
