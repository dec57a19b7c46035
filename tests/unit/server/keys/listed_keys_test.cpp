#include "server/keys/listed_keys.h"

#include <gtest/gtest.h>

#include "tests/unit/server/fleet.h"

namespace cotter::keys {
namespace {

TEST(ListedKeys, AreThoseOfTheRoleInTheRoot) {
  const test::NumberedSigner snapshot(1);
  const test::NumberedSigner timestamp(2);
  const test::NumberedSigner stranger(3);
  model::Root root;
  for (const auto& [role, key] : {std::pair(model::snapshot_role(), &snapshot.public_key()),
                                  std::pair(model::timestamp_role(), &timestamp.public_key())}) {
    root.keys.emplace(key->computed_id(), *key);
    root.roles[role] = {{key->computed_id()}, 1};
  }
  EXPECT_TRUE(expect_listed(root, Repository::Image, model::snapshot_role(), snapshot));
  for (const crypto::Signer* other : {&timestamp, &stranger}) {
    const auto listed = expect_listed(root, Repository::Image, model::snapshot_role(), *other);
    ASSERT_FALSE(listed);
    EXPECT_TRUE(is_fault(listed.error(), Fault::Kind::Denied)) << summary(listed.error());
  }
  EXPECT_FALSE(expect_listed(root, Repository::Image, model::targets_role(), snapshot));
}

}  // namespace
}  // namespace cotter::keys
