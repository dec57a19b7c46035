#include "server/keys/listed_keys.h"

#include <algorithm>

#include "server/keys/signers.h"

namespace cotter::keys {
namespace {

bool is_listed(const model::Root& root, const RoleName& role, const crypto::PublicKey& signer) {
  const auto keys = root.roles.find(role);
  return keys != root.roles.end() && std::ranges::any_of(keys->second.keyids, [&](const KeyId& id) {
           const auto key = root.keys.find(id);
           return key != root.keys.end() && key->second.material() == signer.material();
         });
}

}  // namespace

Result<void> expect_listed(const model::Root& root, Repository repository, const RoleName& role,
                           const crypto::Signer& signer) {
  if (is_listed(root, role, signer.public_key())) return {};
  return fault(Fault::Kind::Denied,
               "root " + std::to_string(root.version.value()) + " of the " +
                   std::string(name_of(repository)) + " does not list key " +
                   signer.public_key().computed_id().value() + " for " + role.value(),
               "is this the signing process of another workspace?");
}

Result<crypto::Signer*> Signers::listed(const model::Root& root, Repository repository,
                                        const RoleName& role) {
  for (crypto::Signer* signer : TRY(all_of(repository, role))) {
    if (is_listed(root, role, signer->public_key())) return signer;
  }
  crypto::Signer* any = TRY(signer(repository, role));
  TRY(expect_listed(root, repository, role, *any));
  return any;
}

}  // namespace cotter::keys
