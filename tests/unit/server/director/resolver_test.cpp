#include "server/director/resolver.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/fleet.h"

namespace cotter::director {
namespace {

using inventory::Desired;
using test::entry_for;
using test::fresh_vehicle;
using test::kNoon;
using test::verdict;

const HardwareId kBrake("brake-mk4");
const HardwareId kDoor("door-mk2");

Desired desired(const char* name, std::string_view content, std::vector<HardwareId> hardware) {
  return {TargetName(name), entry_for(content, std::move(hardware), 2), kNoon};
}

TEST(Resolver, ListsNothingForAVehicleThatIsToRunNothing) {  // DIR-45
  const auto entries = resolve(fresh_vehicle());
  ASSERT_TRUE(entries);
  EXPECT_TRUE(entries->empty());
}

TEST(Resolver, ListsEveryDesiredImageAndNamesItsEcu) {  // DIR-42, DIR-45, FMT-60
  auto vehicle = fresh_vehicle();
  vehicle.ecus[1].desired = desired("brake/2.bin", "brake 2", {kBrake});
  vehicle.ecus[2].desired = desired("door/2.bin", "door 2", {kDoor});
  const auto entries = resolve(vehicle);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2U);
  const model::Target& brake = entries->at(TargetName("brake/2.bin"));
  EXPECT_EQ(brake.ecus().value(), (std::map<EcuSerial, HardwareId>{{EcuSerial("BRAKE"), kBrake}}));
  EXPECT_EQ(brake.must_match(model::Profile::Vehicle).value()->release_counter.value(), 2U);
  EXPECT_EQ(brake.length, 7U);
  EXPECT_EQ(brake.hashes, crypto::Hashes::of(as_bytes("brake 2")));
}

TEST(Resolver, NamesEveryEcuThatRunsOneImage) {  // FMT-53, GAP-23
  auto vehicle = fresh_vehicle();
  vehicle.ecus[1].desired = desired("both.bin", "both", {kBrake, kDoor});
  vehicle.ecus[2].desired = desired("both.bin", "both", {kBrake, kDoor});
  const auto entries = resolve(vehicle);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->begin()->second.ecus().value(),
            (std::map<EcuSerial, HardwareId>{{EcuSerial("BRAKE"), kBrake}, {EcuSerial("DOOR"), kDoor}}));
}

TEST(Resolver, RefusesOneNameForTwoContents) {
  auto vehicle = fresh_vehicle();
  vehicle.ecus[1].desired = desired("both.bin", "old", {kBrake, kDoor});
  vehicle.ecus[2].desired = desired("both.bin", "new", {kBrake, kDoor});
  const auto entries = resolve(vehicle);
  ASSERT_FALSE(entries);
  EXPECT_TRUE(is_fault(entries.error(), Fault::Kind::Conflict));
}

TEST(Resolver, AssignsImageForTheEcusHardwareAtOrAboveItsFloor) {  // DIR-44
  const auto vehicle = fresh_vehicle();
  EXPECT_EQ(verdict(check_assignable(vehicle.ecus[1], entry_for("x", {kBrake, kDoor}, 1))), "accepted");
  EXPECT_EQ(verdict(check_assignable(vehicle.ecus[1], entry_for("x", {kBrake}, 2))), "accepted");
}

TEST(Resolver, RefusesImageForOtherHardware) {  // DIR-44
  const auto vehicle = fresh_vehicle();
  EXPECT_EQ(verdict(check_assignable(vehicle.ecus[1], entry_for("x", {kDoor}, 2))), "match-hardware-wrong");
  EXPECT_EQ(verdict(check_assignable(vehicle.ecus[1], entry_for("x", {}, 2))), "match-hardware-wrong");
}

TEST(Resolver, RefusesImageBelowTheCounterThatTheEcuHasRun) {  // DIR-44, ATK-17
  auto vehicle = fresh_vehicle();
  vehicle.ecus[1].floor = ReleaseCounter(3);
  EXPECT_EQ(verdict(check_assignable(vehicle.ecus[1], entry_for("x", {kBrake}, 2))),
            "match-release-counter-lower");
}

TEST(Resolver, RefusesImageThatStatesNoFacts) {  // FMT-55
  EXPECT_EQ(verdict(check_assignable(fresh_vehicle().ecus[1], model::Target{})), "match-custom-differs");
}

TEST(Resolver, CopiesOnlyWhatBothRepositoriesMustState) {  // DIR-43
  model::Target image = entry_for("x", {kBrake}, 2);
  image.custom.set("ecuIdentifiers", json::Object{{"SOMEBODY", json::Object{{"hardwareId", "brake-mk4"}}}});
  image.custom.set("note", "internal");
  const model::Target copy = copied_entry(image);
  EXPECT_EQ(copy.hashes, image.hashes);
  EXPECT_EQ(copy.length, image.length);
  EXPECT_EQ(copy.custom.size(), 1U);
  EXPECT_NE(copy.custom.find("mustMatch"), nullptr);
}

}  // namespace
}  // namespace cotter::director
