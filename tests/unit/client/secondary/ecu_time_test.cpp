// An ECU's time, by its time source and by its own clock: FVS-3, TIM-3 to TIM-9, PVS-6. What attackers do
// with it stands in tests/scenarios/ecu-time-*.json.
#include "client/secondary/ecu_time.h"

#include <gtest/gtest.h>

#include "common/json/strict_reader.h"
#include "tests/sim/time_source_sim.h"
#include "tests/sim/vehicle_sim.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::client {
namespace {

using namespace std::chrono_literals;
using test::verdict;

const RoleName kTime = model::time_source_role();

/// A vehicle whose director lists a time source, and one ECU whose own clock is ten years behind.
struct World {
  explicit World(Verification verification = Verification::Full, bool has_clock = true)
      : vehicle("VIN1"), ecu(order(verification, has_clock), vehicle.now) {
    rotate();
    step(0s);
  }
  sim::EcuOrder order(Verification verification, bool has_clock) const {
    sim::EcuOrder made = vehicle.order("ecu1", verification);
    made.has_clock = has_clock;
    return made;
  }
  void rotate() {
    vehicle.director.rotate(kTime);
    vehicle.director.publish(model::root_role());
    vehicle.director.release({model::targets_role()});
    source.keys = vehicle.director.signers.at(kTime);
  }
  void step(std::chrono::seconds passed) {
    vehicle.now += passed;
    ecu.uptime.since += passed;
    ecu.clock.time = vehicle.now - 10 * 365 * 24h;
  }
  std::string tell() {
    const auto nonce = ecu.link().nonce();
    EXPECT_TRUE(nonce);
    return verdict(ecu.link().put_time(*source.answer({&*nonce, 1}, vehicle.now)));
  }
  std::string pull() { return verdict(ecu.link().put_metadata(vehicle)); }
  std::string cycle() {
    const std::string told = tell();
    return told == "accepted" ? pull() : told;
  }
  UtcTime reported() { return (*ecu.report())->time; }
  std::string attacks() { return (*ecu.report())->attacks_detected; }

  sim::VehicleSim vehicle;
  sim::TimeSourceSim source;
  sim::EcuSim ecu;
};

TEST(EcuTime, IsItsOwnClocksWhereTheDirectorListsNoTimeSource) {
  sim::VehicleSim vehicle("VIN1");
  sim::EcuSim ecu(vehicle.order("ecu1", Verification::Full), vehicle.now);
  EXPECT_EQ(verdict(ecu.link().put_metadata(vehicle)), "accepted");
  EXPECT_EQ((*ecu.report())->time, vehicle.now);
  ecu.clock.time += 10 * 365 * 24h;
  EXPECT_EQ(verdict(ecu.link().put_metadata(vehicle)), "root-expired");
}

TEST(EcuTime, IsTheTimeSourcesWhereOneIsListed) {  // FVS-3, TIM-8
  World world;
  EXPECT_EQ(world.cycle(), "accepted");
  EXPECT_EQ(world.reported(), world.vehicle.now);
  world.step(36h);
  EXPECT_EQ(world.reported(), world.vehicle.now) << "counted on";
  EXPECT_EQ(world.attacks(), "");
}

TEST(EcuTime, OfAnEcuFreshFromTheFactoryIsTheTimeSourcesThatItsRootLists) {  // TIM-1
  sim::VehicleSim vehicle("VIN1");
  vehicle.director.rotate(kTime);
  vehicle.director.publish(model::root_role());
  sim::EcuOrder order = vehicle.order("ecu1", Verification::Full);
  order.identity.director_root = vehicle.director.file_of(model::root_role());
  sim::EcuSim ecu(order, vehicle.now);
  ecu.clock.time += 10 * 365 * 24h;
  sim::TimeSourceSim source;
  source.keys = vehicle.director.signers.at(kTime);
  EXPECT_LT((*ecu.report())->time, vehicle.now) << "no earlier than the software, and no word of its clock";
  const model::Nonce nonce = *ecu.link().nonce();
  ASSERT_TRUE(ecu.link().put_time(*source.answer({&nonce, 1}, vehicle.now)));
  EXPECT_EQ((*ecu.report())->time, vehicle.now);
}

TEST(EcuTime, WithoutAClockIsWhatThisCycleWasTold) {  // TIM-6
  World world(Verification::Partial, false);
  EXPECT_EQ(world.pull(), "time-not-attested");
  EXPECT_EQ(world.cycle(), "accepted");
  const UtcTime told = world.vehicle.now;
  world.step(36h);
  EXPECT_EQ(world.reported(), told) << "the latest that it can vouch for";
  ASSERT_TRUE(world.ecu.link().nonce());
  EXPECT_EQ(world.pull(), "time-not-attested") << "a new cycle has begun";
}

TEST(EcuTime, IsAskedForWithANonceThatWaitsForItsAnswer) {  // TIM-3
  World world;
  ASSERT_EQ(world.cycle(), "accepted");
  const model::Nonce first = *world.ecu.link().nonce();
  EXPECT_EQ(*world.ecu.link().nonce(), first) << "not yet answered";
  ASSERT_EQ(world.tell(), "accepted");
  EXPECT_NE(*world.ecu.link().nonce(), first);
}

TEST(EcuTime, OfANewKeyIsJudgedOnceTheRootListsIt) {  // VER-9, TIM-5
  for (const Verification verification : {Verification::Full, Verification::Partial}) {
    World world(verification);
    ASSERT_EQ(world.cycle(), "accepted");
    world.rotate();
    world.step(24h);
    EXPECT_EQ(world.tell(), "accepted") << "kept until the pull";
    EXPECT_EQ(world.pull(), "accepted");
    EXPECT_EQ(world.attacks(), "") << "a rotation is no attack";
    EXPECT_EQ(world.reported(), world.vehicle.now);
  }
}

TEST(EcuTime, OfAStrangerIsReportedWhenNoPullMadeItGood) {
  World world;
  ASSERT_EQ(world.cycle(), "accepted");
  world.source.keys = {sim::key("mallory")};
  EXPECT_EQ(world.tell(), "accepted");
  EXPECT_EQ(world.attacks(), "");
  ASSERT_TRUE(world.ecu.link().nonce());
  EXPECT_EQ(world.attacks(), "director/x-time-source:threshold-not-met");
  EXPECT_EQ(world.pull(), "accepted") << "what was counted still counts";
}

TEST(EcuTime, LearnsAnotherSourceFromTargetsWhereItVerifiesPartially) {  // PVS-6
  World world(Verification::Partial);
  ASSERT_EQ(world.cycle(), "accepted");
  model::TimeSource next;
  const sim::Keys keys = {sim::key("next time key")};
  const KeyId id = keys[0]->public_key().computed_id();
  next.keys.emplace(id, keys[0]->public_key());
  next.role = {{id}, 1};
  world.vehicle.director.targets().unknown.set(kTime.value(), next.encode());
  world.vehicle.director.release({model::targets_role()});
  EXPECT_EQ(world.cycle(), "accepted");
  EXPECT_EQ(world.pull(), "time-not-attested") << "the old source's word is void";
  world.source.keys = keys;
  EXPECT_EQ(world.cycle(), "accepted");
}

TEST(EcuTime, IsNotTakenBeyondItsSizeOrForAnotherVehicle) {  // TIM-10
  World world;
  ASSERT_EQ(world.cycle(), "accepted");
  EXPECT_EQ(verdict(world.ecu.link().put_time(Bytes(model::kMaxTimeAttestationBytes + 1, ' '))),
            "file-too-large");
  model::TimeAttestation attestation;
  attestation.time = world.vehicle.now;
  attestation.nonces = {*world.ecu.link().nonce()};
  attestation.vin = VehicleId("VIN2");
  EXPECT_EQ(verdict(world.ecu.link().put_time(sim::signed_file(attestation.encode(), world.source.keys))),
            "time-nonce-foreign");
  attestation.vin = VehicleId("VIN1");
  EXPECT_EQ(verdict(world.ecu.link().put_time(sim::signed_file(attestation.encode(), world.source.keys))),
            "accepted");
}

TEST(EcuTime, IsRememberedAndWrittenDownOnceAnHour) {  // TIM-7, TIM-9
  World world;
  ASSERT_EQ(world.cycle(), "accepted");
  const Bytes record = world.ecu.flash.records.at("time");
  world.step(30min);
  ASSERT_EQ(world.cycle(), "accepted");
  EXPECT_EQ(world.ecu.flash.records.at("time"), record);
  world.step(30min);
  ASSERT_EQ(world.cycle(), "accepted");
  EXPECT_NE(world.ecu.flash.records.at("time"), record);
  ASSERT_TRUE(world.ecu.restart());
  world.source.says = world.vehicle.now - 1s;
  EXPECT_EQ(world.tell(), "time-before-floor");
}

TEST(EcuTime, OfAReportDoesNotGoBackWhenARestartForgetsWhatWasCounted) {  // DIR-25
  World world;
  ASSERT_EQ(world.cycle(), "accepted");
  world.step(3 * 24h);
  const UtcTime before = world.reported();
  ASSERT_TRUE(world.ecu.restart());
  EXPECT_EQ(world.reported(), before);
}

TEST(EcuTime, BeginsAnewWhereItsRecordIsDamaged) {  // VER-REC
  World world;
  ASSERT_EQ(world.cycle(), "accepted");
  world.ecu.flash.records.at("time") = to_bytes("{");
  ASSERT_TRUE(world.ecu.restart());
  EXPECT_EQ(world.pull(), "time-not-attested");
  EXPECT_EQ(world.cycle(), "accepted");
}

}  // namespace
}  // namespace cotter::client
