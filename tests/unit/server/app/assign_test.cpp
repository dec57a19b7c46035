#include "server/app/assign.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::app {
namespace {

using test::Depot;
using test::entry_for;
using test::kBrake;
using test::kBrake2;
using test::kVin;
using test::verdict;

const TargetName kBoth("both.bin");
const HardwareId kBrakeHardware("brake-mk4");
const HardwareId kDoorHardware("door-mk2");

Result<Assigned> assign_in(const Depot& depot, const VehicleId& vin, const EcuSerial& ecu,
                           const TargetName& target) {
  host::Db db = depot.database();
  return app::assign(db, depot.places().repo_dir, vin, ecu, target, depot.clock.time);
}

class Assign : public testing::Test {
 protected:
  Assign() {
    depot.add_vehicle();
    depot.images.publish({{kBrake2, entry_for("brake 2", {kBrakeHardware}, 2)}});
  }
  void expect_nothing_assigned() {
    EXPECT_EQ(depot.count("assignment"), 0);
    EXPECT_EQ(depot.vehicle().desired_revision, 1U);
  }
  void expect_not_found(const Result<Assigned>& result, const std::string& words) {
    ASSERT_FALSE(result);
    EXPECT_TRUE(is_fault(result.error(), Fault::Kind::NotFound));
    EXPECT_EQ(summary(result.error()), words);
    expect_nothing_assigned();
  }
  Depot depot;
};

TEST_F(Assign, MakesTheImageTheDesiredOne) {
  const auto done = assign_in(depot, kVin, kBrake, kBrake2);
  ASSERT_TRUE(done) << explain(done.error());
  EXPECT_FALSE(done->before);
  const auto vehicle = depot.vehicle();
  const auto& desired = vehicle.find(kBrake)->desired;
  ASSERT_TRUE(desired);
  EXPECT_EQ(desired->name, kBrake2);
  EXPECT_EQ(desired->entry.hashes, crypto::Hashes::of(as_bytes("brake 2")));
  EXPECT_EQ(desired->since, depot.clock.time);
  EXPECT_FALSE(desired->confirmed_at);
  EXPECT_EQ(vehicle.desired_revision, 2U);
}

TEST_F(Assign, SaysWhichOfItsNamesNobodyKnows) {
  expect_not_found(assign_in(depot, VehicleId("NOBODY"), kBrake, kBrake2),
                   "vehicle NOBODY is not in the inventory");
  expect_not_found(assign_in(depot, kVin, EcuSerial("WING"), kBrake2), "vehicle VIN-1 has no ECU WING");
  expect_not_found(assign_in(depot, kVin, kBrake, TargetName("brakes/9.bin")),
                   "image brakes/9.bin is not in the image repository");
}

TEST_F(Assign, RefusesImageForOtherHardware) {  // DIR-44
  EXPECT_EQ(verdict(assign_in(depot, kVin, EcuSerial("DOOR"), kBrake2)), "match-hardware-wrong");
  expect_nothing_assigned();
}

TEST_F(Assign, RefusesReleaseCounterBelowTheOneThatTheEcuReported) {  // DIR-44, ATK-17
  test::VehicleVoice voice;
  voice.reports.at("BRAKE").says.release_counter = ReleaseCounter(3);
  host::Db db = depot.database();
  ASSERT_TRUE(accept_manifest(db, kVin, voice.wire(), depot.clock.time));
  const auto refused = assign_in(depot, kVin, kBrake, kBrake2);
  EXPECT_EQ(verdict(refused), "match-release-counter-lower");
  EXPECT_NE(explain(refused.error()).find("publish it anew with a higher counter"), std::string::npos);
  expect_nothing_assigned();
}

TEST_F(Assign, RefusesToReadAnExpiredImageRepository) {  // DIR-43
  depot.clock.time += std::chrono::hours(24 * 91);
  EXPECT_EQ(verdict(assign_in(depot, kVin, kBrake, kBrake2)), "timestamp-expired");
  expect_nothing_assigned();
}

TEST_F(Assign, RefusesOtherContentsUnderANameThatAnotherEcuIsToRun) {
  depot.images.publish({{kBoth, entry_for("old", {kBrakeHardware, kDoorHardware}, 2)}});
  ASSERT_TRUE(assign_in(depot, kVin, kBrake, kBoth));
  depot.images.publish({{kBoth, entry_for("new", {kBrakeHardware, kDoorHardware}, 3)}});
  const auto refused = assign_in(depot, kVin, EcuSerial("DOOR"), kBoth);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Conflict));
  EXPECT_EQ(depot.count("assignment"), 1);
}

TEST_F(Assign, KeepsEveryAssignmentAndSaysWhatWasBefore) {
  ASSERT_TRUE(assign_in(depot, kVin, kBrake, kBrake2));
  const TargetName next("brakes/mk4/3.bin");
  depot.images.publish({{next, entry_for("brake 3", {kBrakeHardware}, 3)}});
  const auto done = assign_in(depot, kVin, kBrake, next);
  ASSERT_TRUE(done) << explain(done.error());
  EXPECT_EQ(done->before, kBrake2);
  EXPECT_EQ(depot.count("assignment"), 2);
  EXPECT_EQ(depot.vehicle().find(kBrake)->given.size(), 2U);
}

TEST_F(Assign, SaysThatItReplacesAnImageOfNobodys) {  // DIR-27
  test::VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("strange.bin", "strange");
  host::Db db = depot.database();
  ASSERT_TRUE(accept_manifest(db, kVin, voice.wire(), depot.clock.time));
  const auto done = assign_in(depot, kVin, kBrake, kBrake2);
  ASSERT_TRUE(done) << explain(done.error());
  EXPECT_TRUE(done->quarantined);
}

}  // namespace
}  // namespace cotter::app
