#include "server/director/director_metadata.h"

#include <gtest/gtest.h>

#include "common/trust/draft.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/director_repository.h"
#include "tests/unit/server/fleet.h"

namespace cotter::director {
namespace {

using inventory::MetadataSet;
using test::DirectorKeys;
using test::fresh_vehicle;
using test::kNoon;
using test::verdict;

const VehicleId kVin("VIN-1");

inventory::Vehicle vehicle_with_work() {
  auto vehicle = fresh_vehicle();
  vehicle.ecus[1].desired = inventory::Desired{
      TargetName("brake/2.bin"), test::entry_for("brake 2", {HardwareId("brake-mk4")}, 2), kNoon};
  return vehicle;
}

TEST(DirectorMetadata, CarriesTheVehicleInAllThreeFiles) {  // FMT-61, ATK-9, ATK-10
  DirectorKeys keys;
  const MetadataSet set = keys.sign(vehicle_with_work(), 5, kNoon);
  for (const Bytes* file : {&set.targets, &set.snapshot, &set.timestamp}) {
    EXPECT_NE(as_text(*file).find("\"vin\":\"VIN-1\""), std::string_view::npos) << as_text(*file);
  }
}

TEST(DirectorMetadata, DelegatesToNobody) {  // FMT-62, DIR-3
  EXPECT_FALSE(make_targets({kVin, Version(1), kNoon}, {}).delegations);
}

TEST(DirectorMetadata, ListsTheTimeSourceForAVehicleWithAnEcuThatVerifiesPartially) {  // FMT-64
  model::Root root;
  EXPECT_FALSE(time_source_for(vehicle_with_work(), root));
  const test::NumberedSigner key(77);
  root.keys.emplace(key.public_key().computed_id(), key.public_key());
  root.roles[model::time_source_role()] = {{key.public_key().computed_id()}, 1};
  const auto source = time_source_for(vehicle_with_work(), root);
  ASSERT_TRUE(source);
  const auto listed = model::TimeSource::of(make_targets({kVin, Version(1), kNoon}, {}, source));
  ASSERT_TRUE(listed && *listed);
  EXPECT_EQ((*listed)->digest(), source->digest());
  auto full = vehicle_with_work();
  for (inventory::Ecu& ecu : full.ecus) ecu.record.verification = inventory::Verification::Full;
  EXPECT_FALSE(time_source_for(full, root));
}

TEST(DirectorMetadata, ListsOneFileEachWithVersionLengthAndHashes) {  // FMT-45
  DirectorKeys keys;
  const auto targets = keys.seal(make_targets({kVin, Version(3), kNoon}, {}), model::targets_role());
  const auto snapshot = make_snapshot({kVin, Version(4), kNoon}, targets);
  ASSERT_EQ(snapshot.meta.size(), 1U);
  const model::FileMeta listed = snapshot.meta.find(model::targets_role()).value();
  EXPECT_EQ(listed.version.value(), 3U);
  EXPECT_EQ(listed.length, targets.wire().size());
  EXPECT_TRUE(listed.hashes && listed.hashes->match(targets.wire()));
  const auto sealed = keys.seal(snapshot, model::snapshot_role());
  const auto timestamp = make_timestamp({kVin, Version(5), kNoon}, sealed);
  EXPECT_EQ(timestamp.snapshot.version.value(), 4U);
  EXPECT_EQ(timestamp.snapshot.length, sealed.wire().size());
  EXPECT_TRUE(timestamp.snapshot.hashes && timestamp.snapshot.hashes->match(sealed.wire()));
}

TEST(DirectorMetadata, RehearsesAsThisVehicleWould) {  // DIR-42
  DirectorKeys keys;
  const auto vehicle = vehicle_with_work();
  const MetadataSet set = keys.sign(vehicle, 1, kNoon);
  EXPECT_EQ(verdict(rehearse(vehicle, keys.roots(), std::nullopt, set, kNoon)), "accepted");
}

TEST(DirectorMetadata, RehearsalRefusesAnotherVehiclesFiles) {  // ATK-9
  DirectorKeys keys;
  const MetadataSet set = keys.sign(fresh_vehicle("VIN-2"), 1, kNoon);
  EXPECT_EQ(verdict(rehearse(fresh_vehicle("VIN-1"), keys.roots(), std::nullopt, set, kNoon)),
            "director-other-vehicle");
}

TEST(DirectorMetadata, RehearsalRefusesStepBehindWhatTheVehicleHas) {  // VER-13
  DirectorKeys keys;
  const auto vehicle = vehicle_with_work();
  const MetadataSet newer = keys.sign(vehicle, 2, kNoon);
  const MetadataSet older = keys.sign(vehicle, 1, kNoon);
  EXPECT_EQ(verdict(rehearse(vehicle, keys.roots(), newer, older, kNoon)), "timestamp-older-than-trusted");
}

TEST(DirectorMetadata, RehearsalRefusesForeignKeys) {
  DirectorKeys keys;
  DirectorKeys foreign(60);
  const auto vehicle = vehicle_with_work();
  const MetadataSet set = foreign.sign(vehicle, 1, kNoon);
  EXPECT_EQ(verdict(rehearse(vehicle, keys.roots(), std::nullopt, set, kNoon)), "threshold-not-met");
}

TEST(DirectorMetadata, IsNearExpiryInTheLastQuarterOfItsLife) {
  MetadataSet set;
  set.made_at = kNoon;
  set.expires = kNoon + std::chrono::hours(24);
  EXPECT_FALSE(near_expiry(set, kNoon + std::chrono::hours(18) - std::chrono::seconds(1)));
  EXPECT_TRUE(near_expiry(set, kNoon + std::chrono::hours(18)));
}

}  // namespace
}  // namespace cotter::director
