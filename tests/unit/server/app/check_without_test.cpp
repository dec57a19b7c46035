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

const UtcTime kToday = parse_utc("2026-06-01T00:00:00Z").value();
const UtcTime kEnd = parse_utc("2999-01-01T00:00:00Z").value();  // of all that is published

model::DelegatedRole for_hardware(model::DelegatedRole role, std::vector<HardwareId> hardware) {
  role.any_hardware = false;
  role.hardware_ids = std::move(hardware);
  return role;
}

/// Two of three keys for targets; brakes below it, pads below that, and bins below a role of their own.
struct Delegating {
  Delegating() : sim("image", kEnd) {
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
  std::vector<RoleWithout> without(const char* role, std::size_t count, UtcTime now = kToday) {
    std::set<std::string> removed;
    const sim::Keys& keys = sim.signers.at(RoleName(role));
    for (std::size_t at = 0; at < count; ++at) removed.insert(keys.at(at)->public_key().material());
    auto roles = check_without(sim, {}, removed, now);
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

TEST(CheckWithout, ARoleThatHasPublishedNothingYetIsSoundWhileItsKeysAreLeft) {
  Delegating repository;
  repository.sim.delegate(model::targets_role(), delegated("idle", {"idle/*"}));
  repository.sim.release({model::targets_role()});
  const RoleWithout sound = of(repository.without("brakes", 1), "idle");
  EXPECT_EQ(sound.holds, std::nullopt) << sound.why;
  EXPECT_TRUE(sound.is_sound());
  EXPECT_EQ(sound.why, "");
  EXPECT_FALSE(of(repository.without("idle", 1), "idle").is_sound()) << "it could sign nothing any more";
}

TEST(CheckWithout, JudgesBinsByTheirFiles) {
  Delegating repository;
  EXPECT_EQ(of(repository.without("brakes", 1), "bin").holds, true);
  EXPECT_EQ(of(repository.without("brakes", 1), "bin").expires, kEnd);
  const RoleWithout lost = of(repository.without("bin-0", 1), "bin");
  EXPECT_EQ(lost.holds, false);
  EXPECT_EQ(lost.why, "image/bin-0: threshold-not-met: expected 1 valid signatures, got 0");
  EXPECT_FALSE(lost.is_renewable());
}

TEST(CheckWithout, OneBinThatDoesNotHoldIsEnough) {
  Delegating repository;
  const UtcTime early = parse_utc("2027-01-01T00:00:00Z").value();
  repository.sim.targets(RoleName("bin-1")).expires = early;
  repository.sim.release({RoleName("bin-1")});
  EXPECT_EQ(of(repository.without("brakes", 1), "bin").expires, early) << "the first to end";
  const RoleWithout ended = of(repository.without("brakes", 1, early), "bin");
  EXPECT_EQ(ended.holds, false);
  EXPECT_EQ(ended.why, "image/bin-1: expired at 2027-01-01T00:00:00Z");
  repository.sim.files.at(repository.sim.path_of(RoleName("bin-1"))).pop_back();
  EXPECT_EQ(of(repository.without("brakes", 1), "bin").holds, false) << "a file that nobody can read";
}

TEST(CheckWithout, FollowsWhatABinDelegates) {
  Delegating repository;
  repository.sim.delegate(RoleName("bin-0"), delegated("below"));
  repository.sim.release({RoleName("below"), RoleName("bin-0")});
  EXPECT_EQ(of(repository.without("brakes", 1), "below").holds, true);
  EXPECT_EQ(of(repository.without("below", 1), "below").holds, false);
}

TEST(CheckWithout, WhatHasEndedByThenDoesNotHold) {
  Delegating repository;
  for (const RoleWithout& role : repository.without("targets", 1, kEnd - std::chrono::seconds(1))) {
    EXPECT_TRUE(role.is_sound()) << role.role.value();
  }
  for (const RoleWithout& role : repository.without("targets", 1, kEnd)) {
    EXPECT_EQ(role.holds, false) << role.role.value();
    EXPECT_TRUE(role.is_renewable()) << role.role.value();
  }
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
  const auto roles = check_without(repository.sim, {}, {first.front()->public_key().material()}, kToday);
  ASSERT_TRUE(roles) << explain(roles.error());
  EXPECT_EQ(of(*roles, "root").holds, false) << "the first root was signed by the lost key alone";
  EXPECT_TRUE(of(*roles, "root").is_renewable()) << "by the new key";
}

}  // namespace
}  // namespace cotter::app
