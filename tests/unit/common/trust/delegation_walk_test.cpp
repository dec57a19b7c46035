#include <gtest/gtest.h>

#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using sim::kTargets;
using test::Client;
using test::verdict;
using Lines = std::vector<std::string>;

/// "targets" -> "r1" -> … -> "rN", where the last lists the image.
void chain(Client& client, int length) {
  RoleName parent = kTargets;
  for (int i = 1; i <= length; ++i) {
    const std::string name = "r" + std::to_string(i);
    client.sim.delegate(parent, sim::delegated(name));
    parent = RoleName(name);
  }
  client.sim.add_target(parent, TargetName("x.bin"), "content");
  for (int i = 1; i <= length; ++i) client.sim.publish(RoleName("r" + std::to_string(i)));
  client.sim.release({kTargets});
}

/// Roles side by side, of which the last lists the image.
void fan(Client& client, int width) {
  for (int i = 1; i <= width; ++i) client.sim.delegate(kTargets, sim::delegated("r" + std::to_string(i)));
  client.sim.add_target(RoleName("r" + std::to_string(width)), TargetName("x.bin"), "content");
  for (int i = 1; i <= width; ++i) client.sim.publish(RoleName("r" + std::to_string(i)));
  client.sim.release({kTargets});
}

TEST(DelegationWalk, TopLevelEntryNeedsNoFile) {  // VER-42
  Client client;
  client.sim.delegate(kTargets, sim::delegated("supplier"));
  client.sim.add_target(kTargets, TargetName("x.bin"), "content");
  client.sim.release({RoleName("supplier"), kTargets});
  const auto found = client.find("x.bin");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->role, kTargets);
  EXPECT_EQ(client.sim.requests().back(), "2.targets.json");
}

TEST(DelegationWalk, GoesInOrderAndDeepFirst) {  // VER-40, VER-45
  Client client;
  client.sim.delegate(kTargets, sim::delegated("a"));
  client.sim.delegate(kTargets, sim::delegated("d"));
  client.sim.delegate(RoleName("a"), sim::delegated("b"));
  client.sim.delegate(RoleName("b"), sim::delegated("c"));
  client.sim.add_target(RoleName("d"), TargetName("x.bin"), "content");
  client.sim.release({RoleName("a"), RoleName("b"), RoleName("c"), RoleName("d"), kTargets});
  client.sim.forget_requests();
  EXPECT_EQ(client.find("x.bin")->role, RoleName("d"));
  const Lines requests = client.sim.requests();
  EXPECT_EQ(Lines(requests.end() - 4, requests.end()),
            (Lines{"1.a.json", "1.b.json", "1.c.json", "1.d.json"}));
}

TEST(DelegationWalk, FirstRoleThatListsItWins) {  // VER-42
  Client client;
  client.sim.delegate(kTargets, sim::delegated("first"));
  client.sim.delegate(kTargets, sim::delegated("second"));
  client.sim.add_target(RoleName("first"), TargetName("x.bin"), "one");
  client.sim.add_target(RoleName("second"), TargetName("x.bin"), "two");
  client.sim.release({RoleName("first"), RoleName("second"), kTargets});
  EXPECT_EQ(client.find("x.bin")->role, RoleName("first"));
}

TEST(DelegationWalk, TerminatingRoleIsSearchedToItsEnd) {  // VER-43: below it, and not beside it
  Client client;
  client.sim.delegate(kTargets, sim::delegated("outer"));
  client.sim.delegate(kTargets, sim::delegated("later"));
  client.sim.delegate(RoleName("outer"), sim::delegated("last-word", {"*"}, true));
  client.sim.delegate(RoleName("last-word"), sim::delegated("below"));
  client.sim.add_target(RoleName("below"), TargetName("x.bin"), "one");
  client.sim.add_target(RoleName("later"), TargetName("y.bin"), "two");
  client.sim.release(
      {RoleName("outer"), RoleName("last-word"), RoleName("below"), RoleName("later"), kTargets});
  EXPECT_EQ(client.find("x.bin")->role, RoleName("below"));
  EXPECT_EQ(verdict(client.find("y.bin")), "target-not-found");
}

TEST(DelegationWalk, TerminatingRoleThatDoesNotCoverTheNameEndsNothing) {
  Client client;
  client.sim.delegate(kTargets, sim::delegated("other", {"doors/*"}, true));
  client.sim.delegate(kTargets, sim::delegated("later"));
  client.sim.add_target(RoleName("later"), TargetName("x.bin"), "one");
  client.sim.release({RoleName("other"), RoleName("later"), kTargets});
  EXPECT_EQ(client.find("x.bin")->role, RoleName("later"));
}

TEST(DelegationWalk, EveryAncestorMustCoverTheName) {  // FMT-75, VER-46
  Client client;
  client.sim.delegate(kTargets, sim::delegated("brakes", {"brakes/*"}));
  client.sim.delegate(RoleName("brakes"), sim::delegated("supplier", {"*/*"}));
  client.sim.add_target(RoleName("supplier"), TargetName("doors/x.bin"), "one");
  client.sim.add_target(RoleName("supplier"), TargetName("brakes/x.bin"), "two");
  client.sim.release({RoleName("brakes"), RoleName("supplier"), kTargets});
  EXPECT_EQ(verdict(client.find("doors/x.bin")), "target-not-found");
  EXPECT_EQ(client.find("brakes/x.bin")->role, RoleName("supplier"));
}

TEST(DelegationWalk, HardwareListBindsWhenBothSidesHaveOne) {  // VER-44, GAP-11
  Client client;
  model::DelegatedRole role = sim::delegated("supplier");
  role.any_hardware = false;
  role.hardware_ids = {test::kDoorHardware};
  client.sim.delegate(kTargets, role);
  client.sim.add_target(RoleName("supplier"), TargetName("x.bin"), "one");
  client.sim.release({RoleName("supplier"), kTargets});
  EXPECT_EQ(verdict(client.find("x.bin", test::kBrakeHardware)), "target-not-found");
  EXPECT_EQ(verdict(client.find("x.bin", test::kDoorHardware)), "accepted");
  EXPECT_EQ(verdict(client.find("x.bin")), "accepted");  // plain TUF does not ask
}

TEST(DelegationWalk, GoesToTheLimitOfDepthAndNoFurther) {  // VER-40, ATK-24
  Client deep;
  chain(deep, 16);
  EXPECT_EQ(verdict(deep.find("x.bin")), "accepted");
  Client deeper;
  chain(deeper, 17);
  EXPECT_EQ(verdict(deeper.find("x.bin")), "delegation-bomb");
}

TEST(DelegationWalk, GoesToTheLimitOfRolesAndNoFurther) {  // VER-40, ATK-24
  Client wide;
  fan(wide, 64);
  EXPECT_EQ(verdict(wide.find("x.bin")), "accepted");
  Client wider;
  fan(wider, 65);
  EXPECT_EQ(verdict(wider.find("x.bin")), "delegation-bomb");
}

TEST(DelegationWalk, LooksAtEachRoleOfACircleOnce) {  // VER-40, ATK-24
  Client client;
  client.sim.delegate(kTargets, sim::delegated("a"));
  client.sim.delegate(RoleName("a"), sim::delegated("b"));
  client.sim.delegate(RoleName("b"), sim::delegated("a"));
  client.sim.release({RoleName("a"), RoleName("b"), kTargets});
  client.sim.forget_requests();
  EXPECT_EQ(verdict(client.find("x.bin")), "target-not-found");
  EXPECT_EQ(client.sim.requests().size(), 6U);  // root, timestamp, snapshot, targets, a, b
}

TEST(DelegationWalk, StoredRolesThatFitNeedNoRequest) {  // full_verification 8
  Client client;
  client.sim.delegate(kTargets, sim::delegated("supplier"));
  client.sim.add_target(RoleName("supplier"), TargetName("x.bin"), "one");
  client.sim.release({RoleName("supplier"), kTargets});
  ASSERT_TRUE(client.find("x.bin"));
  client.sim.forget_requests();
  ASSERT_TRUE(client.find("x.bin"));
  EXPECT_EQ(client.sim.requests(), (Lines{"2.root.json", "timestamp.json"}));
  client.store.files[RoleName("supplier")] = to_bytes("rubbish");  // VER-REC
  ASSERT_TRUE(client.find("x.bin"));
  EXPECT_EQ(client.sim.requests().back(), "1.supplier.json");
}

TEST(DelegationWalk, StoredRoleThatTheSnapshotDropsIsNotAskedFor) {
  Client client;
  client.policy.profile = Profile::Tuf;
  client.sim.delegate(kTargets, sim::delegated("supplier"));
  client.sim.release({RoleName("supplier"), kTargets});
  client.store.files[RoleName("supplier")] = client.sim.file_of(RoleName("supplier"));
  client.sim.snapshot.meta.erase(RoleName("supplier"));
  client.sim.publish(model::snapshot_role());
  client.sim.publish(model::timestamp_role());
  client.sim.forget_requests();
  EXPECT_EQ(verdict(client.find("x.bin")), "targets-not-in-snapshot");
  EXPECT_EQ(client.sim.requests().back(), "2.targets.json");
}

TEST(DelegationWalk, HashBinsLeadToTheOneThatHoldsTheName) {  // TAP 15
  Client client;
  client.sim.delegate_bins(kTargets, 2, "bin");
  const TargetName name("x.bin");
  const RoleName bin = client.sim.targets().delegations->succinct->bin_of(name);
  client.sim.add_target(bin, name, "one");
  for (const char* each : {"bin-0", "bin-1", "bin-2", "bin-3"}) client.sim.publish(RoleName(each));
  client.sim.release({kTargets});
  const auto found = client.find("x.bin");
  ASSERT_TRUE(found) << summary(found.error());
  EXPECT_EQ(found->role, bin);
}

TEST(DelegationWalk, KeepsNoBinThatAMirrorGaveInPlaceOfAnother) {  // FMT-46
  Client client;
  client.sim.delegate_bins(kTargets, 1, "bin");
  const TargetName name("x.bin");
  const RoleName bin = client.sim.targets().delegations->succinct->bin_of(name);
  client.sim.add_target(bin, name, "one");
  for (const char* each : {"bin-0", "bin-1"}) {
    client.sim.publish(RoleName(each));
    model::FileMeta by_version_alone;
    by_version_alone.version = client.sim.targets(RoleName(each)).version;
    client.sim.snapshot.meta.set(RoleName(each), by_version_alone);
  }
  client.sim.release({kTargets});
  const Bytes honest = client.sim.file_of(bin);
  client.sim.files[client.sim.path_of(bin)] =
      client.sim.file_of(RoleName(bin == RoleName("bin-0") ? "bin-1" : "bin-0"));
  EXPECT_EQ(verdict(client.find("x.bin")), "target-not-found");
  client.sim.files[client.sim.path_of(bin)] = honest;
  EXPECT_EQ(verdict(client.find("x.bin")), "accepted");
  client.sim.forget_requests();
  EXPECT_EQ(verdict(client.find("x.bin")), "accepted");
  EXPECT_EQ(client.sim.requests(), (Lines{"2.root.json", "timestamp.json"})) << "the right one is kept";
}

TEST(DelegationWalk, StoresEachRoleThatItVerified) {
  Client client;
  chain(client, 2);
  client.store.batches.clear();
  ASSERT_TRUE(client.find("x.bin"));
  EXPECT_EQ(Lines(client.store.batches.end() - 2, client.store.batches.end()), (Lines{"+r1", "+r2"}));
}

}  // namespace
}  // namespace cotter::trust
