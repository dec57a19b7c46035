// What live metadata says of delegated roles, and what is left of it without some keys.
#include "server/app/check_without.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/app/live_roles.h"
#include "server/repository/reader.h"
#include "tests/sim/repository_sim.h"

namespace cotter::app {
namespace {

using sim::delegated;

model::DelegatedRole for_hardware(model::DelegatedRole role, std::vector<HardwareId> hardware) {
  role.any_hardware = false;
  role.hardware_ids = std::move(hardware);
  return role;
}

/// Two of three keys for targets; brakes below it, pads below that, and bins below a role of their own.
struct Delegating {
  Delegating() : sim("image", parse_utc("2999-01-01T00:00:00Z").value()) {
    const RoleName targets = model::targets_role(), brakes("brakes"), releases("releases");
    sim.set_keys(targets, sim::keys("t", 3), 2);
    sim.delegate(targets,
                 for_hardware(delegated("brakes", {"brakes/*"}), {HardwareId("a"), HardwareId("b")}));
    sim.delegate(targets, delegated("releases"));
    sim.delegate(brakes, for_hardware(delegated("pads", {"brakes/*"}), {HardwareId("b"), HardwareId("c")}));
    sim.delegate_bins(releases, 1, "bin");
    sim.publish(model::root_role());
    for (const char* role : {"pads", "brakes", "bin-0", "bin-1", "releases"}) sim.publish(RoleName(role));
    sim.release({targets});
  }
  /// Without the first `count` keys of `role`.
  std::vector<RoleWithout> without(const char* role, std::size_t count) {
    std::set<std::string> removed;
    const sim::Keys& keys = sim.signers.at(RoleName(role));
    for (std::size_t at = 0; at < count; ++at) removed.insert(keys.at(at)->public_key().material());
    auto roles = check_without(sim, {}, removed);
    EXPECT_TRUE(roles) << explain(roles.error());
    return roles.value_or(std::vector<RoleWithout>());
  }
  std::vector<LiveRole> live() {
    auto roles =
        live_roles(repository::read_as_client(sim, repository::kBeforeAnyExpiry).value(), sim, nullptr);
    EXPECT_TRUE(roles) << explain(roles.error());
    return roles.value_or(std::vector<LiveRole>());
  }
  sim::RepositorySim sim;
};

template <class T>
const T& of(const std::vector<T>& roles, const char* name) {
  const auto found =
      std::find_if(roles.begin(), roles.end(), [&](const T& each) { return each.role == RoleName(name); });
  COTTER_ASSERT(found != roles.end());
  return *found;
}

TEST(LiveRoles, NarrowTheHardwareOnTheWayDown) {
  const std::vector<LiveRole> roles = Delegating().live();
  EXPECT_FALSE(of(roles, "targets").hardware);
  EXPECT_EQ(of(roles, "brakes").hardware, (std::vector<HardwareId>{HardwareId("a"), HardwareId("b")}));
  EXPECT_EQ(of(roles, "pads").hardware, (std::vector<HardwareId>{HardwareId("b")}));
  EXPECT_FALSE(of(roles, "releases").hardware);
}

TEST(LiveRoles, CountBinsAsOneRoleThatEndsWithItsFirst) {
  Delegating repository;
  const std::vector<LiveRole> roles = repository.live();
  EXPECT_EQ(of(roles, "bin").delegator, RoleName("releases"));
  EXPECT_EQ(of(roles, "bin").expires, parse_utc("2999-01-01T00:00:00Z").value());
  EXPECT_EQ(of(roles, "bin").id(), "image/bin");
}

TEST(CheckWithout, TakesOnlyTheSignaturesOfTheseKeys) {
  Delegating repository;
  for (const RoleWithout& role : repository.without("targets", 0)) EXPECT_TRUE(role.is_sound());
  EXPECT_TRUE(of(repository.without("targets", 1), "targets").is_sound());
  const RoleWithout two = of(repository.without("targets", 2), "targets");
  EXPECT_EQ(two.holds, false);
  EXPECT_EQ(two.why, "image/targets: threshold-not-met: expected 2 valid signatures, got 1");
  EXPECT_EQ(two.keys_left, 1U);
  EXPECT_FALSE(two.is_renewable());
}

TEST(CheckWithout, FollowsDelegationsWhoseOwnKeysAreWhole) {
  const std::vector<RoleWithout> roles = Delegating().without("brakes", 1);
  EXPECT_EQ(of(roles, "brakes").holds, false);
  EXPECT_FALSE(of(roles, "brakes").is_renewable());
  EXPECT_EQ(of(roles, "pads").holds, true) << "its keys are its own";
  EXPECT_EQ(of(roles, "pads").delegator, RoleName("brakes"));
  EXPECT_TRUE(of(roles, "targets").is_sound());
}

TEST(CheckWithout, ARootNeedsItsWholeChain) {
  Delegating repository;
  const sim::Keys first = repository.sim.signers.at(model::root_role());
  const sim::Keys next = sim::keys("new-root", 1);
  repository.sim.set_keys(model::root_role(), next);
  sim::Keys both = next;
  both.insert(both.end(), first.begin(), first.end());
  repository.sim.signers[model::root_role()] = both;
  repository.sim.publish(model::root_role());
  const auto roles = check_without(repository.sim, {}, {first.front()->public_key().material()});
  ASSERT_TRUE(roles) << explain(roles.error());
  EXPECT_EQ(of(*roles, "root").holds, false) << "the first root was signed by the lost key alone";
  EXPECT_TRUE(of(*roles, "root").is_renewable()) << "by the new key";
}

}  // namespace
}  // namespace cotter::app
