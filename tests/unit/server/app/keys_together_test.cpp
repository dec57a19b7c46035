// Keys of one folder that should not lie together.
#include "server/app/keys_together.h"

#include <gtest/gtest.h>

#include "tests/sim/sim_key.h"

namespace cotter::app {
namespace {

keystore::KeyInfo key(const std::string& name, const std::string& role) {
  const crypto::PublicKey made = sim::SimKey(name).public_key();
  return {name, role, made, made.computed_id(), UtcTime(), "keys/" + name + ".key"};
}

TEST(KeysTogether, AreToldOfWhereAReleaseRolesLiesBesideTheDirectors) {
  const auto told = keys_together({key("image-snapshot", "image/snapshot"), key("night-build", "image/fw"),
                                   key("director-targets", "director/targets"), key("tools", "image/tools")});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(
      told[0].starts_with("the key of release role fw (night-build) lies beside the director's "
                          "(director-targets)"))
      << told[0];
  EXPECT_NE(told[1].find("role tools"), std::string::npos);
}

TEST(KeysTogether, AreNotToldOfWhereTheyAreApart) {
  EXPECT_TRUE(
      keys_together({key("night-build", "image/fw"), key("image-snapshot", "image/snapshot")}).empty());
  EXPECT_TRUE(keys_together({key("director-targets", "director/targets"), key("t", "image/timestamp"),
                             key("s", "image/snapshot"), key("i", "image/targets"), key("r", "image/root"),
                             key("ledger", "ledger")})
                  .empty());
}

}  // namespace
}  // namespace cotter::app
