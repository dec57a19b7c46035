// Which generations of a fleet could not verify what is planned; on values, and on an inventory.
#include "server/app/abilities.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/limits.h"
#include "server/storage/sqlite/database.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"

namespace cotter {
namespace {

using app::Demand;
using app::Described;
using app::Obstacle;
using crypto::Scheme;
using inventory::Abilities;
using inventory::Verification;
using storage::Generation;

const HardwareId kGateway("gateway"), kBrake("brake"), kDoor("door");
const std::vector<Generation> kFleet{{kGateway, Verification::Full, {2, 2}},
                                     {kBrake, Verification::Full, {2, 4}},
                                     {kDoor, Verification::Partial, {1, 1}}};

Abilities knows(std::set<Scheme> schemes) { return {std::move(schemes), {}, {}, {}}; }
Demand signed_by(Repository repository, const RoleName& role, std::uint32_t threshold,
                 std::vector<Scheme> schemes) {
  return {repository, role, 0, threshold, std::move(schemes), {}};
}
Demand sized(Repository repository, const RoleName& role, std::uint64_t bytes) {
  return {repository, role, bytes, 0, {}, {}};
}
std::vector<std::string> who(const std::vector<Obstacle>& obstacles) {
  std::vector<std::string> ids;
  ids.reserve(obstacles.size());
  for (const Obstacle& each : obstacles) ids.push_back(each.generation.hardware.value());
  return ids;
}
using Ids = std::vector<std::string>;

TEST(Abilities, WhatNobodyDescribedCanWhatTheClientCan) {
  const Described nothing;
  const RoleName& targets = model::targets_role();
  for (const Scheme scheme : {Scheme::Ed25519, Scheme::EcdsaP256, Scheme::RsaPssSha256}) {
    EXPECT_EQ(who(obstacles(signed_by(Repository::Image, targets, 1, {scheme}), kFleet, nothing)), Ids{});
  }
  EXPECT_EQ(who(obstacles(signed_by(Repository::Image, targets, 1, {Scheme::EcdsaP384}), kFleet, nothing)),
            (Ids{"gateway", "brake"}));
  EXPECT_EQ(
      who(obstacles(sized(Repository::Director, model::root_role(), Limits().root_bytes), kFleet, nothing)),
      Ids{});
  EXPECT_EQ(who(obstacles(sized(Repository::Director, model::root_role(), Limits().root_bytes + 1), kFleet,
                          nothing)),
            (Ids{"gateway", "brake", "door"}));
}

TEST(Abilities, ARequiredClassAsksForSchemesThatAGenerationKnows) {
  const Described described{{kGateway, knows({Scheme::Ed25519, Scheme::MlDsa65})}};
  Demand demand = signed_by(Repository::Image, model::targets_role(), 2,
                            {Scheme::Ed25519, Scheme::Ed25519, Scheme::MlDsa65});
  EXPECT_EQ(who(obstacles(demand, kFleet, described)), Ids{});
  demand.classes = {model::ClassThresholds::Stage::Require,
                    {{crypto::KeyClass::Classical, 2}, {crypto::KeyClass::PostQuantum, 1}},
                    {}};
  const auto found = obstacles(demand, kFleet, described);
  EXPECT_EQ(who(found), Ids{"brake"}) << "a partial secondary does not read it";
  EXPECT_NE(found.front().why.find("must see 1 key of class post-quantum, signed by 0 that it knows"),
            std::string::npos)
      << found.front().why;
}

TEST(Abilities, ARoleMayHaveKeysOfSchemesThatAGenerationDoesNotKnowWhileEnoughAreLeft) {
  const Described described{{kBrake, knows({Scheme::Ed25519})}};
  const RoleName& role = model::targets_role();
  EXPECT_EQ(who(obstacles(
                signed_by(Repository::Image, role, 2, {Scheme::Ed25519, Scheme::Ed25519, Scheme::EcdsaP256}),
                kFleet, described)),
            Ids{});
  const auto found = obstacles(
      signed_by(Repository::Image, role, 2, {Scheme::Ed25519, Scheme::EcdsaP256, Scheme::EcdsaP256}), kFleet,
      described);
  ASSERT_EQ(who(found), Ids{"brake"});
  EXPECT_EQ(
      found.front().why,
      "cannot verify targets of the image repository: it knows ed25519, which 1 of the 3 keys are, and 2 "
      "must sign");
}

TEST(Abilities, PartialVerificationSeesTheDirectorsRootAndTargetsAlone) {
  const Described described{{kDoor, {std::set{Scheme::Ed25519}, 100, {}, {}}}};
  const auto asked = [&](Repository repository, const RoleName& role) {
    return !obstacles(sized(repository, role, 101), kFleet, described).empty();
  };
  EXPECT_TRUE(asked(Repository::Director, model::targets_role()));
  EXPECT_TRUE(asked(Repository::Director, model::root_role()));
  EXPECT_FALSE(asked(Repository::Director, model::snapshot_role()));
  EXPECT_FALSE(asked(Repository::Director, model::timestamp_role()));
  for (const RoleName& role : {model::root_role(), model::targets_role(), model::snapshot_role()}) {
    EXPECT_FALSE(asked(Repository::Image, role)) << role.value();
  }
}

TEST(Abilities, OfALimitForARoleAndOneForAllTheSmallerCounts) {
  const Abilities abilities{{}, 1000, 2000, 500};
  EXPECT_EQ(abilities.most_bytes(Repository::Image, model::root_role()), 1000U);
  EXPECT_EQ(abilities.most_bytes(Repository::Image, model::targets_role()), 500U);
  EXPECT_EQ(abilities.most_bytes(Repository::Image, RoleName("supplier")), 500U);
  EXPECT_EQ(abilities.most_bytes(Repository::Director, model::snapshot_role()), 1000U);
  EXPECT_EQ(Abilities({{}, {}, 2000, {}}).most_bytes(Repository::Image, model::timestamp_role()),
            Limits().timestamp_bytes);
}

TEST(Abilities, ARootAsksForTheKeysOfItsFourRolesAndForItsSize) {
  model::Root root;
  const auto pair = test::NumberedSigner(1);
  root.keys.emplace(KeyId("a"), pair.public_key());
  root.keys.emplace(KeyId("b"), pair.public_key());  // the same key twice is one
  for (const RoleName& role :
       {model::root_role(), model::targets_role(), model::snapshot_role(), model::timestamp_role()}) {
    root.roles[role] = {{KeyId("a"), KeyId("b")}, 1, {}};
  }
  root.roles[RoleName("x-other")] = {{KeyId("a")}, 1, {}};
  const app::Demands demands = app::demands_of_root(Repository::Director, root, 777);
  ASSERT_EQ(demands.size(), 4U);
  for (const Demand& demand : demands) {
    EXPECT_EQ(demand.bytes, demand.role == model::root_role() ? 777U : 0U);
    EXPECT_EQ(demand.schemes, std::vector{Scheme::Ed25519});
  }
}

/// An inventory with two vehicles: GATEWAY, BRAKE and DOOR in each, of hardware ids of the factory record's.
class AbilitiesOfAFleet : public testing::Test {
 protected:
  void SetUp() override {
    storage::InventoryStore inventory(db);
    ASSERT_TRUE(inventory.add(test::factory_record("VIN-1", "A-", 1), test::kNoon));
    ASSERT_TRUE(inventory.add(test::factory_record("VIN-2", "B-", 11), test::kNoon));
    const auto record = test::factory_record("VIN-1");
    gateway = record.ecus.at(0).hardware_id;
    brake = record.ecus.at(1).hardware_id;
    door = record.ecus.at(2).hardware_id;
  }
  sim::TempDir folder;
  host::Db db = storage::open_database(folder.path() / "cotter.db").value();
  HardwareId gateway, brake, door;
};

TEST_F(AbilitiesOfAFleet, ARefusalNamesTheGenerationAndHowManyVehicles) {
  storage::HardwareStore store(db);
  ASSERT_TRUE(store.note(brake, knows({Scheme::Ed25519})));
  const app::Demands demands{signed_by(Repository::Image, model::root_role(), 1, {Scheme::EcdsaP256})};
  const auto refused = app::refuse_unverifiable(db, demands);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
  EXPECT_NE(explain(refused.error()).find(brake.value() + " (2 ECUs in 2 vehicles) cannot verify root"),
            std::string::npos)
      << explain(refused.error());
  ASSERT_TRUE(store.note(brake, knows({Scheme::Ed25519, Scheme::EcdsaP256})));
  EXPECT_TRUE(app::refuse_unverifiable(db, demands));
}

TEST_F(AbilitiesOfAFleet, AGenerationThatNoVehicleHasRefusesNothing) {
  ASSERT_TRUE(storage::HardwareStore(db).note(HardwareId("scrapped"), knows({Scheme::Ed25519})));
  EXPECT_TRUE(app::refuse_unverifiable(
      db, {signed_by(Repository::Image, model::root_role(), 1, {Scheme::EcdsaP256})}));
}

TEST_F(AbilitiesOfAFleet, ADelegationForSomeHardwareIsReadByThatAndByItsPrimaries) {
  storage::HardwareStore store(db);
  Demand demand = signed_by(Repository::Image, RoleName("supplier"), 1, {Scheme::EcdsaP256});
  ASSERT_TRUE(store.note(gateway, knows({Scheme::Ed25519})));
  demand.hardware = {brake};
  EXPECT_FALSE(app::refuse_unverifiable(db, {demand})) << "the primary looks for its secondary's image";
  demand.hardware = {HardwareId("elsewhere")};
  EXPECT_TRUE(app::refuse_unverifiable(db, {demand}));
  ASSERT_TRUE(store.note(gateway, {}));
  ASSERT_TRUE(store.note(brake, knows({Scheme::Ed25519})));
  demand.hardware = {door};
  EXPECT_TRUE(app::refuse_unverifiable(db, {demand})) << "no brake looks for a door's image";
  demand.hardware = {brake};
  EXPECT_FALSE(app::refuse_unverifiable(db, {demand}));
}

TEST_F(AbilitiesOfAFleet, WhatIsNotedIsReadBack) {
  storage::HardwareStore store(db);
  const Abilities all{std::set{Scheme::Ed25519, Scheme::RsaPssSha256}, 1, 2, 3};
  ASSERT_TRUE(store.note(brake, all));
  ASSERT_TRUE(store.note(door, {}));
  const auto described = store.described();
  ASSERT_TRUE(described);
  EXPECT_EQ(*described, (Described{{brake, all}, {door, {}}}));
}

}  // namespace
}  // namespace cotter
