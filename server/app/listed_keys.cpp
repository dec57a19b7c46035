#include "server/app/listed_keys.h"

#include <algorithm>

namespace cotter::app {

Result<void> expect_listed(const model::Root& root, Repository repository, const RoleName& role,
                           const crypto::Signer& signer) {
  const auto keys = root.roles.find(role);
  const bool is_listed =
      keys != root.roles.end() && std::ranges::any_of(keys->second.keyids, [&](const KeyId& id) {
        const auto key = root.keys.find(id);
        return key != root.keys.end() && key->second.material() == signer.public_key().material();
      });
  if (is_listed) return {};
  return fault(Fault::Kind::Denied,
               "root " + std::to_string(root.version.value()) + " of the " +
                   std::string(name_of(repository)) + " does not list key " +
                   signer.public_key().computed_id().value() + " for " + role.value(),
               "is this the signing process of another workspace?");
}

}  // namespace cotter::app
