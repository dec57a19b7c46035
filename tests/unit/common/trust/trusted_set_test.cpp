// The client workflow step by step. That each rule refuses stands in tests/scenarios; here stands what a step
// leaves behind, and what it does not.
#include "common/trust/trusted_set.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using test::Client;
using test::picture_of;
using test::verdict;

const RoleName kSupplier("supplier");

Bytes served(Client& client, const RoleName& role) { return client.sim.file_of(role); }

/// The steps of one cycle, in order.
using Step = std::function<Result<void>(TrustedSet&, Bytes)>;
struct NamedStep {
  RoleName role;
  Step take;
};
std::vector<NamedStep> steps() {
  return {
      {model::timestamp_role(),
       [](TrustedSet& set, Bytes file) -> Result<void> {
         TRY(set.update_timestamp(std::move(file)));
         return {};
       }},
      {model::snapshot_role(),
       [](TrustedSet& set, Bytes file) { return set.update_snapshot(std::move(file)); }},
      {model::targets_role(),
       [](TrustedSet& set, Bytes file) {
         return set.update_targets(std::move(file), model::targets_role(), model::root_role());
       }},
      {kSupplier,
       [](TrustedSet& set, Bytes file) {
         return set.update_targets(std::move(file), kSupplier, model::targets_role());
       }},
  };
}

bool recall(TrustedSet& set, const RoleName& role, const Bytes& stored) {
  if (role == model::timestamp_role()) return set.recall_timestamp(stored);
  if (role == model::snapshot_role()) return set.recall_snapshot(stored);
  return role == model::targets_role() && set.recall_targets(stored);
}

/// Many ways to be wrong: bits, ends, whole other files, well signed files of other content.
std::vector<Bytes> spoilt(Client& client, const RoleName& role) {
  const Bytes good = served(client, role);
  std::vector<Bytes> all = {{}, to_bytes("{}"), to_bytes("[[[["), Bytes(100, 0)};
  for (std::size_t i = 0; i < good.size(); i += 7) {
    Bytes bad = good;
    bad[i] ^= static_cast<std::uint8_t>(1 << i % 7);
    all.push_back(bad);
    all.emplace_back(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const RoleName& other : {model::root_role(), model::timestamp_role(), model::snapshot_role(),
                                model::targets_role(), kSupplier}) {
    if (other != role) all.push_back(served(client, other));
  }
  const json::Value document = json::read(good).value();
  const json::Object& signed_part = *document.as_object()->find("signed")->as_object();
  for (const auto& [name, value] : signed_part) {
    json::Object without = signed_part;
    without.erase(name);
    all.push_back(sim::signed_file(without, client.sim.signers[role]));
    json::Object changed = signed_part;
    changed.set(name, json::Array{});
    all.push_back(sim::signed_file(changed, client.sim.signers[role]));
  }
  return all;
}

class TrustedSetSteps : public ::testing::TestWithParam<bool> {};

// Property: after any Rejection the set equals its copy; and a good file is taken after any number of bad
// ones.
TEST_P(TrustedSetSteps, RejectionLeavesTheSetAsItWas) {  // VER-ATOM
  Client client;
  client.sim.delegate(model::targets_role(), sim::delegated("supplier"));
  client.sim.release({kSupplier, model::targets_role()});
  if (GetParam()) {  // with the files of the last cycle as floors
    ASSERT_TRUE(client.refresh());
    client.sim.release({kSupplier, model::targets_role()});
  }
  TrustedSet set = client.anchored().value();
  ASSERT_TRUE(set.close_root_chain());
  for (const auto& [role, take] : steps()) {
    const auto stored = client.store.load(Repository::Image, role)->value_or(Bytes{});
    EXPECT_EQ(recall(set, role, stored), GetParam() && role != kSupplier);
    const std::string before = picture_of(set, {kSupplier});
    for (const Bytes& bad : spoilt(client, role)) {
      TrustedSet copy = set;
      EXPECT_FALSE(take(copy, bad)) << role.value() << ": " << as_text(bad).substr(0, 200);
      EXPECT_EQ(picture_of(copy, {kSupplier}), before) << role.value();
      EXPECT_EQ(verdict(take(copy, served(client, role))), "accepted");
    }
    ASSERT_TRUE(take(set, served(client, role)));
    EXPECT_NE(picture_of(set, {kSupplier}), before);
  }
}
INSTANTIATE_TEST_SUITE_P(WithAndWithoutFloors, TrustedSetSteps, ::testing::Bool());

TEST(TrustedSet, RejectedRootsLeaveTheSetAsItWas) {  // VER-3, VER-4
  Client client;
  TrustedSet set = client.anchored().value();
  const std::string before = picture_of(set);
  client.sim.publish(model::root_role());
  const Bytes second = served(client, model::root_role());
  client.sim.publish(model::root_role());
  const Bytes third = served(client, model::root_role());
  EXPECT_EQ(verdict(set.update_root(third)), "root-version-not-next");
  EXPECT_EQ(verdict(set.update_root(client.first_root)), "root-version-not-next");
  for (std::size_t i = 0; i < second.size(); i += 5) {
    Bytes bad = second;
    bad[i] ^= 1;
    if (set.update_root(bad)) ADD_FAILURE() << "byte " << i;
    ASSERT_EQ(picture_of(set), before);
  }
  EXPECT_TRUE(set.update_root(second));
  EXPECT_TRUE(set.update_root(third));
  EXPECT_EQ(set.root()->version, Version(3));
}

TEST(TrustedSet, AnchorIsTrustedForItsPlaceAndStillSignedByItsThreshold) {  // VER-1
  Client client;
  client.now = test::kExpires + std::chrono::hours(1);
  EXPECT_EQ(verdict(client.anchored()), "accepted");  // its expiry is judged when the chain has ended
  TrustedSet set = client.anchored().value();
  EXPECT_EQ(verdict(set.close_root_chain()), "root-expired");
  client.sim.tamper(model::root_role(), [](json::Object&) {}, {sim::key("stranger")});
  client.first_root = served(client, model::root_role());
  EXPECT_EQ(verdict(client.anchored()), "root-self-threshold-not-met");
}

TEST(TrustedSet, ExpiresAtTheSecondThatItNames) {  // VER-TIME
  for (const auto& [early, expected] : {std::pair(1, "accepted"), std::pair(0, "root-expired")}) {
    Client client;
    client.now = test::kExpires - std::chrono::seconds(early);
    TrustedSet set = client.anchored().value();
    EXPECT_EQ(verdict(set.close_root_chain()), expected);
  }
}

TEST(TrustedSet, KeepsTheStoredTimestampOfAnEqualVersion) {  // VER-13
  Client client;
  ASSERT_TRUE(client.refresh());
  TrustedSet set = client.anchored().value();
  ASSERT_TRUE(set.close_root_chain());
  ASSERT_TRUE(set.recall_timestamp(served(client, model::timestamp_role())));
  const auto taken = set.update_timestamp(served(client, model::timestamp_role()));
  ASSERT_TRUE(taken);
  EXPECT_FALSE(*taken);
  EXPECT_NE(set.timestamp(), nullptr);
}

TEST(TrustedSet, PlainTufKeepsTheStoredTimestampWhateverAnEqualVersionSays) {  // TUF 5.4.3.1
  Client client("image", test::image_policy(Profile::Tuf));
  ASSERT_TRUE(client.refresh());
  const Bytes stored = served(client, model::timestamp_role());
  client.sim.timestamp.expires = test::kNow - std::chrono::hours(1);
  client.sim.publish_again(model::timestamp_role());
  ASSERT_TRUE(client.refresh());
  EXPECT_EQ(client.store.files.at(model::timestamp_role()), stored);
}

TEST(TrustedSet, ExpiredStoredFilesAreStillFloors) {  // VER-15
  Client client;
  client.sim.timestamp.expires = test::kNow + std::chrono::hours(1);
  client.sim.snapshot.expires = test::kNow + std::chrono::hours(1);
  client.sim.release({model::targets_role()});
  const auto old = client.sim.files;
  client.sim.release({model::targets_role()});
  ASSERT_TRUE(client.refresh());
  client.sim.files = old;
  client.now += std::chrono::hours(2);
  EXPECT_EQ(verdict(client.refresh()), "timestamp-older-than-trusted");
}

TEST(TrustedSet, RecallsOnlyWhatVerifies) {  // VER-REC
  Client client;
  TrustedSet set = client.anchored().value();
  ASSERT_TRUE(set.close_root_chain());
  EXPECT_FALSE(set.recall_timestamp(served(client, model::snapshot_role())));
  EXPECT_FALSE(set.recall_timestamp(to_bytes("rubbish")));
  EXPECT_TRUE(set.recall_timestamp(served(client, model::timestamp_role())));
  ASSERT_TRUE(set.update_timestamp(served(client, model::timestamp_role())));
  EXPECT_FALSE(set.recall_snapshot(served(client, model::timestamp_role())));
  EXPECT_FALSE(set.use_recalled_snapshot());
  EXPECT_TRUE(set.recall_snapshot(served(client, model::snapshot_role())));
  EXPECT_TRUE(set.use_recalled_snapshot());
  EXPECT_FALSE(set.recall_targets(to_bytes("rubbish")));
  EXPECT_FALSE(set.use_recalled_targets());
  EXPECT_TRUE(set.recall_targets(served(client, model::targets_role())));
  EXPECT_TRUE(set.use_recalled_targets());
  EXPECT_EQ(set.targets(), set.recalled_targets());
}

/// What a new root makes a client forget, after `change`.
RootConsequences consequences_after(Profile profile, const std::function<void(sim::RepositorySim&)>& change) {
  Client client("image", test::image_policy(profile));
  client.sim.set_keys(model::timestamp_role(), sim::keys("timestamp", 2));
  client.sim.publish(model::root_role());
  client.first_root = served(client, model::root_role());
  TrustedSet set = client.anchored().value();
  change(client.sim);
  client.sim.publish(model::root_role());
  return set.update_root(served(client, model::root_role())).value();
}

TEST(TrustedSet, ForgetsFloorsWhenKeysChange) {  // VER-8, GAP-3
  const auto forgets = [](const RoleName& role) {
    return consequences_after(Profile::Vehicle, [&](sim::RepositorySim& sim) { sim.rotate(role); });
  };
  for (const RoleName& role : {model::timestamp_role(), model::snapshot_role()}) {
    EXPECT_TRUE(forgets(role).forget_timestamp_and_snapshot);
    EXPECT_FALSE(forgets(role).forget_targets);
  }
  EXPECT_TRUE(forgets(model::targets_role()).forget_targets);
  EXPECT_TRUE(forgets(model::targets_role()).forget_timestamp_and_snapshot);
  const auto none = consequences_after(Profile::Vehicle, [](sim::RepositorySim&) {});  // GAP-27
  EXPECT_FALSE(none.forget_targets || none.forget_timestamp_and_snapshot);
}

TEST(TrustedSet, PlainTufForgetsOnlyWhenAKeyIsGone) {  // TUF 5.3.11
  sim::Keys keys = sim::keys("timestamp", 3);
  const auto added = consequences_after(
      Profile::Tuf, [&](sim::RepositorySim& sim) { sim.set_keys(model::timestamp_role(), keys); });
  EXPECT_FALSE(added.forget_timestamp_and_snapshot);
  const auto removed = consequences_after(Profile::Tuf, [&](sim::RepositorySim& sim) {
    sim.set_keys(model::timestamp_role(), sim::pick(keys, {0}));
  });
  EXPECT_TRUE(removed.forget_timestamp_and_snapshot);
  const auto targets =
      consequences_after(Profile::Tuf, [](sim::RepositorySim& sim) { sim.rotate(model::targets_role()); });
  EXPECT_FALSE(targets.forget_targets);
}

TEST(TrustedSet, ListedHashesAreOfTheBytesAsServed) {  // FMT-27: the same content in other bytes will not do
  Client client("image", test::image_policy(Profile::Tuf));
  client.sim.timestamp.snapshot.length.reset();
  client.sim.publish(model::timestamp_role());
  TrustedSet set = client.anchored().value();
  ASSERT_TRUE(set.close_root_chain());
  ASSERT_TRUE(set.update_timestamp(served(client, model::timestamp_role())));
  Bytes spaced = served(client, model::snapshot_role());
  spaced.push_back('\n');
  EXPECT_EQ(verdict(set.update_snapshot(std::move(spaced))), "snapshot-hash-wrong");
  EXPECT_EQ(verdict(set.update_snapshot(served(client, model::snapshot_role()))), "accepted");
}

TEST(TrustedSet, ReadsNoMoreThanTheParentLists) {  // FMT-46, VER-LIM
  Client client;
  TrustedSet set = client.anchored().value();
  EXPECT_EQ(set.max_bytes(model::snapshot_role()), client.policy.limits.snapshot_bytes);
  EXPECT_EQ(set.max_bytes(model::timestamp_role()), client.policy.limits.timestamp_bytes);
  EXPECT_EQ(set.max_bytes(model::root_role()), client.policy.limits.root_bytes);
  EXPECT_EQ(set.max_bytes(model::targets_role()), client.policy.limits.targets_bytes);
  const TrustedSet full = client.refresh().value();
  EXPECT_EQ(full.max_bytes(model::snapshot_role()), served(client, model::snapshot_role()).size());
  EXPECT_EQ(full.max_bytes(model::targets_role()), served(client, model::targets_role()).size());
}

TEST(TrustedSet, RoleThroughTwoParentsNeedsTheKeysOfEach) {  // VER-33
  Client client;
  client.sim.delegate(model::targets_role(), sim::delegated("a"));
  client.sim.delegate(model::targets_role(), sim::delegated("b"));
  client.sim.delegate(RoleName("a"), sim::delegated("supplier"));
  client.sim.delegate(RoleName("b"), sim::delegated("supplier"));
  model::DelegatedRole& through_b = client.sim.targets(RoleName("b")).delegations->roles.front();
  const auto stranger = sim::key("stranger");
  client.sim.targets(RoleName("b"))
      .delegations->keys.insert_or_assign(stranger->public_key().computed_id(), stranger->public_key());
  through_b.keys.keyids = {stranger->public_key().computed_id()};
  client.sim.release({kSupplier, RoleName("a"), RoleName("b"), model::targets_role()});
  TrustedSet set = client.refresh().value();
  for (const char* parent : {"a", "b"}) {
    ASSERT_TRUE(
        set.update_targets(served(client, RoleName(parent)), RoleName(parent), model::targets_role()));
  }
  EXPECT_EQ(verdict(set.update_targets(served(client, kSupplier), kSupplier, RoleName("b"))),
            "threshold-not-met");
  EXPECT_EQ(verdict(set.update_targets(served(client, kSupplier), kSupplier, RoleName("a"))), "accepted");
  EXPECT_EQ(verdict(set.update_targets(served(client, kSupplier), kSupplier, RoleName("b"))),
            "threshold-not-met");
  EXPECT_NE(set.targets(kSupplier, RoleName("a")), nullptr);
  EXPECT_EQ(set.targets(kSupplier, RoleName("b")), nullptr);
}

TEST(TrustedSet, RoleThroughTwoParentsHasOneContent) {  // VER-33, FMT-3
  Client client;
  client.sim.list_hashes = false;
  client.sim.delegate(model::targets_role(), sim::delegated("a"));
  client.sim.delegate(model::targets_role(), sim::delegated("supplier"));
  client.sim.delegate(RoleName("a"), sim::delegated("supplier"));
  client.policy.profile = Profile::Tuf;
  client.sim.release({kSupplier, RoleName("a"), model::targets_role()});
  TrustedSet set = client.refresh().value();
  ASSERT_TRUE(set.update_targets(served(client, RoleName("a")), RoleName("a"), model::targets_role()));
  ASSERT_TRUE(set.update_targets(served(client, kSupplier), kSupplier, model::targets_role()));
  client.sim.tamper(
      kSupplier, [](json::Object& content) { content.set("x", 1); }, client.sim.signers[kSupplier]);
  EXPECT_EQ(verdict(set.update_targets(served(client, kSupplier), kSupplier, RoleName("a"))),
            "targets-same-version-differs");
}

TEST(TrustedSetDeathTest, AnotherOrderOfCallsIsABug) {
  Client client;
  TrustedSet set = client.anchored().value();
  EXPECT_DEATH(static_cast<void>(set.update_timestamp({})), "root_closed_");
  EXPECT_DEATH(static_cast<void>(set.update_snapshot(Bytes())), "timestamp_");
  EXPECT_DEATH(static_cast<void>(set.update_targets({}, model::targets_role(), model::root_role())),
               "snapshot_");
  ASSERT_TRUE(set.close_root_chain());
  EXPECT_DEATH(static_cast<void>(set.update_root({})), "root_closed_");
  EXPECT_DEATH(static_cast<void>(set.close_root_chain()), "root_closed_");
}

}  // namespace
}  // namespace cotter::trust
