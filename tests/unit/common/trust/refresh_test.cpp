#include "common/trust/refresh.h"

#include <gtest/gtest.h>

#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using test::Client;
using test::verdict;
using Lines = std::vector<std::string>;

// VER-11, VER-16, VER-21, VER-28, VER-31
TEST(Refresh, AsksForEachFileOnceAndStoresEachAsItVerifies) {
  Client client;
  ASSERT_TRUE(client.refresh());
  EXPECT_EQ(client.sim.requests(),
            (Lines{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}));
  EXPECT_EQ(client.store.batches, (Lines{"+timestamp", "+snapshot", "+targets"}));
}

TEST(Refresh, NothingNewCostsTwoRequestsAndNoWrite) {  // full_verification 4, GAP-4
  Client client;
  ASSERT_TRUE(client.refresh());
  client.sim.forget_requests();
  client.store.batches.clear();
  ASSERT_TRUE(client.refresh());
  EXPECT_EQ(client.sim.requests(), (Lines{"2.root.json", "timestamp.json"}));
  EXPECT_EQ(client.store.batches, Lines{});
}

TEST(Refresh, ShortCutSavesDownloadsAndNoChecks) {  // GAP-4
  Client client;
  client.sim.targets().expires = test::kNow + std::chrono::hours(1);
  client.sim.release({model::targets_role()});
  ASSERT_TRUE(client.refresh());
  client.now += std::chrono::hours(2);
  EXPECT_EQ(verdict(client.refresh()), "targets-expired");
}

TEST(Refresh, NewSnapshotWithOldTargetsFetchesTheSnapshotAlone) {
  Client client;
  ASSERT_TRUE(client.refresh());
  client.sim.forget_requests();
  client.sim.publish(model::snapshot_role());
  client.sim.publish(model::timestamp_role());
  ASSERT_TRUE(client.refresh());
  EXPECT_EQ(client.sim.requests(), (Lines{"2.root.json", "timestamp.json", "2.snapshot.json"}));
}

TEST(Refresh, ForgetsFloorsInTheBatchThatStoresTheRoot) {  // VER-8
  Client client;
  ASSERT_TRUE(client.refresh());
  client.store.batches.clear();
  client.sim.rotate(model::targets_role());
  client.sim.publish(model::root_role());
  client.sim.rotate(model::timestamp_role());
  client.sim.publish(model::root_role());
  client.sim.publish(model::root_role());
  client.sim.release({model::targets_role()});
  ASSERT_TRUE(client.refresh());
  EXPECT_EQ(client.store.batches, (Lines{"+root -timestamp -snapshot -targets", "+root -timestamp -snapshot",
                                         "+root", "+timestamp", "+snapshot", "+targets"}));
}

TEST(Refresh, ARemovedRoleLeavesTheSnapshotWithTheOldKeysOnly) {  // IMG-13, VER-26, VER-8, GAP-9
  Client client;
  const RoleName supplier("supplier");
  client.sim.delegate(model::targets_role(), sim::delegated("supplier"));
  client.sim.release({supplier, model::targets_role()});
  ASSERT_TRUE(client.refresh());
  client.sim.targets().delegations.reset();
  client.sim.release({model::targets_role()});
  EXPECT_EQ(verdict(client.refresh()), "accepted") << "not delegated to any more, and still listed";
  client.sim.snapshot.meta.erase(supplier);
  client.sim.release({model::targets_role()});
  EXPECT_EQ(verdict(client.refresh()), "snapshot-targets-vanished");
  for (const RoleName& role : {model::snapshot_role(), model::timestamp_role()}) client.sim.rotate(role);
  client.sim.publish(model::root_role());
  client.sim.release({model::targets_role()});
  EXPECT_EQ(verdict(client.refresh()), "accepted");
}

TEST(Refresh, GoesOnInMidChainAfterAPowerCut) {  // VER-6
  Client client;
  for (int i = 0; i < 10; ++i) client.sim.publish(model::root_role());
  Refresh refresh(client.anchored().value());
  for (int i = 0; i < 4; ++i) {
    const auto want = refresh.next();
    ASSERT_TRUE(refresh.give(client.sim.files.at(std::to_string(want->version->value()) + ".root.json")));
    ASSERT_TRUE(client.store.commit(Repository::Image, refresh.take_effects()));
  }
  client.sim.forget_requests();
  ASSERT_TRUE(client.refresh());
  EXPECT_EQ(client.sim.requests().front(), "6.root.json");
}

TEST(Refresh, KeepsWhatVerifiedBeforeAFailure) {  // VER-ATOM
  Client client;
  client.sim.publish(model::root_role());
  client.sim.files.erase(client.sim.path_of(model::targets_role()));
  EXPECT_TRUE(is_fault(client.refresh().error(), Fault::Kind::NotFound));
  EXPECT_EQ(client.store.batches, (Lines{"+root", "+timestamp", "+snapshot"}));
}

TEST(Refresh, TakesAtMostSoManyRootsACycle) {  // VER-2, ATK-24
  Client client;
  client.policy.limits.roots_per_cycle = 3;
  for (int i = 0; i < 3; ++i) client.sim.publish(model::root_role());
  EXPECT_EQ(verdict(client.refresh()), "accepted");
  for (int i = 0; i < 4; ++i) client.sim.publish(model::root_role());
  EXPECT_EQ(verdict(client.refresh()), "roots-endless");
  EXPECT_EQ(verdict(client.refresh()), "accepted");
}

TEST(Refresh, RefusesAFileBeyondWhatItAskedFor) {  // VER-LIM: whatever the transport let through
  Client client;
  Refresh refresh(client.anchored().value());
  EXPECT_EQ(verdict(refresh.give(Bytes(refresh.next()->max_bytes + 1, ' '))), "file-too-large");
}

TEST(Refresh, JudgesASnapshotThatWasReadAheadAsAnyOther) {  // FMT-46, VER-12
  Client client;
  const auto cycle_with = [&](const Bytes& snapshot, ContentSource ahead) -> Result<TrustedSet> {
    Refresh refresh(TRY(client.anchored()));
    refresh.read_snapshot_ahead(std::move(ahead));
    while (const auto want = refresh.next()) {
      if (want->place == Place::Stored || want->role == model::root_role()) {
        TRY(refresh.absent());
      } else if (want->role == model::snapshot_role()) {
        TRY(refresh.give(snapshot));
      } else {
        TRY(refresh.give(client.sim.file_of(want->role)));
      }
    }
    return std::move(refresh).take();
  };
  const Bytes good = client.sim.file_of(model::snapshot_role());
  int asked = 0;
  const ContentSource source = [&] {
    ++asked;
    return ContentAhead::read_in(good);
  };
  const auto set = cycle_with(good, source);
  ASSERT_EQ(verdict(set), "accepted");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(test::picture_of(*set), test::picture_of(client.refresh().value()));
  EXPECT_EQ(verdict(cycle_with(good, [] { return std::nullopt; })), "accepted");
  Bytes longer = good, other = good;
  longer.push_back(' ');
  EXPECT_EQ(verdict(cycle_with(longer, source)), "file-too-large");
  const std::size_t in_signature = as_text(other).find("\"sig\":\"") + 7;
  other[in_signature] = other[in_signature] == '0' ? '1' : '0';
  EXPECT_EQ(verdict(cycle_with(other, source)), "snapshot-hash-wrong");
  EXPECT_EQ(asked, 1) << "asked before the bytes were judged";
  client.sim.signers[model::snapshot_role()] = sim::keys("stranger", 1);
  client.sim.publish(model::snapshot_role());
  client.sim.publish(model::timestamp_role());
  const Bytes strange = client.sim.file_of(model::snapshot_role());
  EXPECT_EQ(verdict(cycle_with(strange, [&] { return ContentAhead::read_in(strange); })),
            "threshold-not-met");
}

TEST(Refresh, OnlyADefiniteNotFoundEndsTheRootChain) {  // VER-2, GAP-26
  class Down final : public Transport {
    Result<Bytes> get(std::string_view, std::uint64_t) override {
      return fault(Fault::Kind::Timeout, "no answer");
    }
  } down;
  Client client;
  Refresh refresh(client.anchored().value());
  EXPECT_TRUE(is_fault(drive(refresh, client.store, down).error(), Fault::Kind::Timeout));
}

TEST(Refresh, PartialScopeReadsRootAndTargetsAlone) {  // PVS-2, PVS-5
  Client client("director", test::director_policy());
  client.sim.publish(model::root_role());
  client.sim.files["targets.json"] = client.sim.file_of(model::targets_role());
  const auto set = client.refresh(Scope::Partial);
  ASSERT_TRUE(set) << summary(set.error());
  EXPECT_EQ(client.sim.requests(), (Lines{"2.root.json", "3.root.json", "targets.json"}));
  EXPECT_NE(set->targets(), nullptr);
  EXPECT_EQ(set->timestamp(), nullptr);
}

TEST(Refresh, PartialScopeHoldsItsFloor) {  // PVS-2
  Client client("director", test::director_policy());
  const Bytes old = client.sim.file_of(model::targets_role());
  client.sim.release({model::targets_role()});
  client.sim.files["targets.json"] = client.sim.file_of(model::targets_role());
  ASSERT_TRUE(client.refresh(Scope::Partial));
  client.sim.files["targets.json"] = old;
  EXPECT_EQ(verdict(client.refresh(Scope::Partial)), "targets-older-than-trusted");
}

TEST(Refresh, PlainTufWithoutConsistentSnapshotsAsksForPlainNames) {  // VER-10, FMT-100
  Client client("image", test::image_policy(Profile::Tuf));
  client.sim.root.consistent_snapshot = false;
  client.sim.publish(model::root_role());
  client.sim.release({model::targets_role()});
  ASSERT_TRUE(client.refresh());
  EXPECT_EQ(client.sim.requests(),
            (Lines{"2.root.json", "3.root.json", "timestamp.json", "snapshot.json", "targets.json"}));
}

}  // namespace
}  // namespace cotter::trust
