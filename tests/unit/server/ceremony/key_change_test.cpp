#include "server/ceremony/key_change.h"

#include <gtest/gtest.h>

#include "tests/sim/sim_key.h"

namespace cotter::ceremony {
namespace {

using sim::public_key;

constexpr UtcTime kNewEnd{std::chrono::seconds(2'000'000'000)};

void list(model::KeyRing& ring, model::RoleKeys& role, std::initializer_list<const char*> labels,
          std::uint32_t threshold) {
  for (const char* label : labels) {
    role.keyids.push_back(public_key(label).computed_id());
    ring.insert_or_assign(public_key(label).computed_id(), public_key(label));
  }
  role.threshold = threshold;
}

model::Root fourth_root() {
  model::Root root;
  root.version = Version(4);
  list(root.keys, root.roles[model::root_role()], {"r1", "r2", "r3"}, 2);
  list(root.keys, root.roles[model::targets_role()], {"t1", "t2"}, 2);
  list(root.keys, root.roles[model::snapshot_role()], {"s1"}, 1);
  list(root.keys, root.roles[model::timestamp_role()], {"ts1"}, 1);
  return root;
}

Result<model::Root> changed(const KeyChange& change) { return next_root(fourth_root(), change, kNewEnd); }
bool fails(const KeyChange& change, Fault::Kind kind) {
  const auto next = changed(change);
  return !next && is_fault(next.error(), kind);
}

TEST(KeyChange, OfNothingIsTheNextVersionWithANewLife) {
  const auto next = changed({});
  ASSERT_TRUE(next);
  model::Root expected = fourth_root();
  expected.version = Version(5);
  expected.expires = kNewEnd;
  EXPECT_EQ(next->encode(), expected.encode());
}

TEST(KeyChange, PutsOneKeyInThePlaceOfAnother) {
  const auto next = changed(
      {{{model::root_role(), public_key("r4")}}, {{model::root_role(), public_key("r1").computed_id()}}, {}});
  ASSERT_TRUE(next);
  const std::vector<KeyId> expected{public_key("r2").computed_id(), public_key("r3").computed_id(),
                                    public_key("r4").computed_id()};
  EXPECT_EQ(next->roles.at(model::root_role()).keyids, expected);
  EXPECT_FALSE(next->keys.contains(public_key("r1").computed_id())) << "nobody uses it any more";
  EXPECT_TRUE(next->keys.contains(public_key("r4").computed_id()));
}

TEST(KeyChange, TakesThresholdsByClassThatTheKeysCanMeet) {
  model::ClassThresholds classes;
  classes.stage = model::ClassThresholds::Stage::Prefer;
  classes.least = {{crypto::KeyClass::Classical, 3}};
  const auto next = changed({{}, {}, {}, {{model::root_role(), classes}}});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->roles.at(model::root_role()).classes, classes);
  EXPECT_EQ(next->roles.at(model::root_role()).threshold, 2U) << "the plain one stays";
  EXPECT_TRUE(
      fails({{}, {{model::root_role(), public_key("r1").computed_id()}}, {}, {{model::root_role(), classes}}},
            Fault::Kind::Usage))
      << "two keys are left";
  classes.least = {{crypto::KeyClass::PostQuantum, 1}};
  EXPECT_TRUE(fails({{}, {}, {}, {{model::root_role(), classes}}}, Fault::Kind::Usage)) << "there is none";
}

TEST(KeyChange, ChangesThresholds) {
  const auto next = changed({{{model::targets_role(), public_key("t3")}}, {}, {{model::targets_role(), 3}}});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->roles.at(model::targets_role()).threshold, 3U);
}

TEST(KeyChange, NeverLeavesFewerKeysThanMustSign) {
  EXPECT_TRUE(fails({{}, {{model::targets_role(), public_key("t1").computed_id()}}, {}}, Fault::Kind::Usage));
  EXPECT_TRUE(fails({{}, {}, {{model::root_role(), 4}}}, Fault::Kind::Usage));
  EXPECT_TRUE(fails({{}, {}, {{model::root_role(), 0}}}, Fault::Kind::Usage));
}

TEST(KeyChange, NeverGivesOneKeyTwoRoles) {  // KEY-2
  EXPECT_TRUE(fails({{{model::targets_role(), public_key("r1")}}, {}, {}}, Fault::Kind::Conflict));
  EXPECT_TRUE(fails({{{model::root_role(), public_key("r1")}}, {}, {}}, Fault::Kind::Conflict));
}

TEST(KeyChange, FindsAKeyInTwoRolesUnderAnotherId) {
  model::Root odd = fourth_root();
  model::RoleKeys& role = odd.roles.at(model::root_role());
  odd.keys.insert_or_assign(KeyId("other-name"), public_key("r1"));
  odd.keys.erase(role.keyids[0]);
  role.keyids[0] = KeyId("other-name");
  const auto next = next_root(odd, {{{model::targets_role(), public_key("r1")}}, {}, {}}, kNewEnd);
  ASSERT_FALSE(next);
  EXPECT_TRUE(is_fault(next.error(), Fault::Kind::Conflict));
}

TEST(KeyChange, NamesWhatIsNotThere) {
  EXPECT_TRUE(fails({{{RoleName("brakes"), public_key("b1")}}, {}, {}}, Fault::Kind::NotFound));
  EXPECT_TRUE(fails({{}, {{model::root_role(), public_key("t1").computed_id()}}, {}}, Fault::Kind::NotFound));
  EXPECT_TRUE(fails({{}, {}, {{RoleName("brakes"), 1}}}, Fault::Kind::NotFound));
}

TEST(KeyChange, ReachesDelegationsLikewise) {
  model::Targets targets;
  targets.delegations.emplace();
  model::DelegatedRole brakes;
  brakes.name = RoleName("brakes");
  list(targets.delegations->keys, brakes.keys, {"b1", "b2"}, 1);
  targets.delegations->roles.push_back(brakes);
  const auto next = with_delegation_keys(targets, {{{brakes.name, public_key("b3")}},
                                                   {{brakes.name, public_key("b1").computed_id()}},
                                                   {{brakes.name, 2}}});
  ASSERT_TRUE(next);
  const model::RoleKeys& keys = next->delegations->roles[0].keys;
  EXPECT_EQ(keys.threshold, 2U);
  EXPECT_EQ(keys.keyids,
            (std::vector<KeyId>{public_key("b2").computed_id(), public_key("b3").computed_id()}));
  EXPECT_FALSE(next->delegations->keys.contains(public_key("b1").computed_id()));
  EXPECT_FALSE(with_delegation_keys(targets, {{}, {}, {{RoleName("doors"), 1}}}));
}

}  // namespace
}  // namespace cotter::ceremony
