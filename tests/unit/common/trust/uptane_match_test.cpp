#include "common/trust/uptane_match.h"

#include <gtest/gtest.h>

#include "common/trust/partial.h"
#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using sim::kTargets;
using test::Client;
using test::kBrake;
using test::kBrakeHardware;
using test::kDoor;
using test::kDoorHardware;
using test::verdict;

const TargetName kName("x.bin");

class Match : public ::testing::Test {
 protected:
  Match() : director_("director", test::director_policy()) {
    record_.vin = test::kVin;
    record_.ecus = {{kBrake, kBrakeHardware, ReleaseCounter(1), std::nullopt},
                    {kDoor, kDoorHardware, ReleaseCounter(1), std::nullopt}};
  }
  void list(std::string_view content, json::Object custom) {
    image_.sim.add_target(kTargets, kName, content, std::move(custom));
    image_.sim.release({kTargets});
  }
  void assign(std::string_view content, json::Object custom) {
    director_.sim.add_target(kTargets, kName, content, std::move(custom));
    director_.sim.release({kTargets});
  }
  Result<std::vector<Assignment>> matched() {
    return match(TRY(director_.refresh()), TRY(image_.refresh()), record_);
  }
  Result<DirectorOnlyAssignment> selected(std::size_t ecu) {
    return select(TRY(director_.refresh()), record_.ecus.at(ecu));
  }
  model::Target& listed(Client& client) { return client.sim.targets().targets.at(kName); }
  Client director_;
  Client image_;
  VehicleRecord record_;
};

TEST_F(Match, OneImageForTwoEcus) {  // FMT-54, GAP-23
  list("one", sim::image_facts({kBrakeHardware, kDoorHardware}, 2));
  json::Object custom = sim::image_facts({kBrakeHardware, kDoorHardware}, 2);
  custom.set("ecuIdentifiers", json::Object{{"BRAKE", json::Object{{"hardwareId", "hw-BRAKE"}}},
                                            {"DOOR", json::Object{{"hardwareId", "hw-DOOR"}}}});
  assign("one", custom);
  const auto set = matched();
  ASSERT_TRUE(set) << summary(set.error());
  ASSERT_EQ(set->size(), 2U);
  EXPECT_EQ(set->at(0).ecu(), kBrake);
  EXPECT_EQ(set->at(1).hardware_id(), kDoorHardware);
  EXPECT_EQ(set->at(1).release_counter(), ReleaseCounter(2));
}

TEST_F(Match, AsksForNothingThatRunsAlready) {  // DIR-45
  assign("one", sim::assigned_to(kBrake, kBrakeHardware, 2));
  record_.ecus[0].installed = model::InstalledImage{kName, 3, crypto::Hashes::of(as_bytes("one"))};
  EXPECT_TRUE(pending(director_.refresh().value(), record_)->empty());
  record_.ecus[0].installed->name = TargetName("y.bin");
  EXPECT_EQ(pending(director_.refresh().value(), record_)->size(), 1U);
}

TEST_F(Match, PassesOverEcusThatTheRecordDoesNotHold) {  // FVS-4: a secondary knows itself alone
  list("one", sim::image_facts({kBrakeHardware}, 2));
  assign("one", sim::assigned_to(kBrake, kBrakeHardware, 2));
  record_.ecus.erase(record_.ecus.begin());
  EXPECT_TRUE(matched()->empty());
}

TEST_F(Match, HashesOfOneSideOnlyAreCheckedOnTheImageToo) {  // PRI-30
  list("one", sim::image_facts({kBrakeHardware}, 2));
  assign("one", sim::assigned_to(kBrake, kBrakeHardware, 2));
  const Bytes sha256 = *listed(director_).hashes.find(crypto::HashFunction::Sha256);
  listed(director_).hashes = crypto::Hashes();
  listed(director_).hashes.set(crypto::HashFunction::Sha256, sha256);
  director_.sim.release({kTargets});
  const auto set = matched();
  ASSERT_TRUE(set) << summary(set.error());
  EXPECT_NE(set->front().target().hashes.find(crypto::HashFunction::Sha512), nullptr);
}

TEST_F(Match, HashesWithoutACommonFunctionAgreeOnNothing) {  // PRI-30
  list("one", sim::image_facts({kBrakeHardware}, 2));
  assign("one", sim::assigned_to(kBrake, kBrakeHardware, 2));
  for (auto* side : {&director_, &image_}) {
    const auto function = side == &director_ ? crypto::HashFunction::Sha256 : crypto::HashFunction::Sha512;
    const Bytes digest = *listed(*side).hashes.find(function);
    listed(*side).hashes = crypto::Hashes();
    listed(*side).hashes.set(function, digest);
    side->sim.release({kTargets});
  }
  EXPECT_EQ(verdict(matched()), "match-hash-differs");
}

TEST_F(Match, MustMatchIsRequiredOnBothSides) {  // FMT-55, GAP-12
  list("one", {});
  assign("one", sim::assigned_to(kBrake, kBrakeHardware, 2));
  EXPECT_EQ(verdict(matched()), "match-custom-differs");
  list("one", sim::image_facts({kBrakeHardware}, 2));
  json::Object custom = sim::assigned_to(kBrake, kBrakeHardware, 2);
  custom.erase("mustMatch");
  assign("one", custom);
  EXPECT_EQ(verdict(matched()), "match-custom-differs");
}

TEST_F(Match, UnknownFactsOfTheSectionCountToo) {  // FMT-55
  list("one", sim::image_facts({kBrakeHardware}, 2));
  json::Object custom = sim::assigned_to(kBrake, kBrakeHardware, 2);
  custom.find("mustMatch")
      ->as_object()
      ->set("requires", json::Array{json::Object{{"hardwareId", "hw-DOOR"}}});
  assign("one", custom);
  EXPECT_EQ(verdict(matched()), "match-custom-differs");
}

/// An image for the brakes with these conditions, on both repositories, and what comes of it.
class Together : public Match {
 protected:
  std::string with(const char* member, const json::Object& condition) {
    json::Object ours = sim::image_facts({kBrakeHardware}, 2);
    json::Object theirs = sim::assigned_to(kBrake, kBrakeHardware, 2);
    for (json::Object* custom : {&ours, &theirs}) {
      custom->find("mustMatch")->as_object()->set(member, json::Array{condition});
    }
    list("one", ours);
    assign("one", theirs);
    const auto set = matched();
    if (!set) return verdict(set);
    return verdict(check_together(director_.refresh().value(), *set, record_));
  }
};

TEST_F(Together, WhatAnImageNeedsMustRunBesideIt) {  // DIR-40, ATK-14
  record_.ecus[1].floor = ReleaseCounter(5);
  EXPECT_EQ(with("requires", {{"hardwareId", "hw-DOOR"}, {"min", 5}, {"max", 5}}), "accepted");
  EXPECT_EQ(with("requires", {{"hardwareId", "hw-DOOR"}, {"min", 6}}), "match-requirement-unmet");
  EXPECT_EQ(with("requires", {{"hardwareId", "hw-DOOR"}, {"max", 4}}), "match-requirement-unmet");
  EXPECT_EQ(with("requires", {{"hardwareId", "hw-ROOF"}}), "match-requirement-unmet");  // there is none
  record_.ecus.push_back({EcuSerial("DOOR-2"), kDoorHardware, ReleaseCounter(4), std::nullopt});
  EXPECT_EQ(with("requires", {{"hardwareId", "hw-DOOR"}, {"min", 5}}),
            "match-requirement-unmet");  // all of them
}

TEST_F(Together, WhatAnImageExcludesMustNotRunBesideIt) {  // DIR-40, ATK-14
  record_.ecus[1].floor = ReleaseCounter(5);
  EXPECT_EQ(with("conflicts", {{"hardwareId", "hw-DOOR"}, {"min", 6}}), "accepted");
  EXPECT_EQ(with("conflicts", {{"hardwareId", "hw-ROOF"}}), "accepted");
  EXPECT_EQ(with("conflicts", {{"hardwareId", "hw-DOOR"}, {"min", 5}}), "match-conflict");
  EXPECT_EQ(with("conflicts", {{"hardwareId", "hw-DOOR"}}), "match-conflict");
}

TEST_F(Together, CountersAreThoseAfterTheUpdate) {  // of its own hardware: 1 before, 2 after
  EXPECT_EQ(with("requires", {{"hardwareId", "hw-BRAKE"}, {"min", 2}}), "accepted");
  EXPECT_EQ(with("conflicts", {{"hardwareId", "hw-BRAKE"}, {"max", 1}}), "accepted");
}

TEST_F(Match, TakesTheFloorItselfAndNothingBelow) {  // PRI-31
  list("one", sim::image_facts({kBrakeHardware}, 4));
  assign("one", sim::assigned_to(kBrake, kBrakeHardware, 4));
  record_.ecus[0].floor = ReleaseCounter(4);
  EXPECT_EQ(verdict(matched()), "accepted");
  record_.ecus[0].floor = ReleaseCounter(5);
  EXPECT_EQ(verdict(matched()), "match-release-counter-lower");
}

TEST_F(Match, HardwareOfTheVehiclesOwnRecordDecides) {  // PRI-32
  list("one", sim::image_facts({kBrakeHardware}, 2));
  assign("one", sim::assigned_to(kBrake, kBrakeHardware, 2));
  record_.ecus[0].hardware_id = HardwareId("hw-BRAKE-2");
  EXPECT_EQ(verdict(matched()), "match-hardware-wrong");
}

TEST_F(Match, PartialSelectionTakesItsOwnEntry) {  // PVS-4
  assign("one", sim::assigned_to(kDoor, kDoorHardware, 2));
  const auto door = selected(1);
  ASSERT_TRUE(door) << summary(door.error());
  EXPECT_EQ(door->name(), kName);
  EXPECT_EQ(door->target().length, 3U);
  EXPECT_EQ(door->release_counter(), ReleaseCounter(2));
  EXPECT_EQ(verdict(selected(0)), "ecu-has-no-image");
}

TEST_F(Match, PartialSelectionHoldsHardwareAndFloor) {  // INS-3, PVS-4
  assign("one", sim::assigned_to(kDoor, kDoorHardware, 2));
  record_.ecus[1].floor = ReleaseCounter(3);
  EXPECT_EQ(verdict(selected(1)), "ecu-release-counter-lower");
  record_.ecus[1].hardware_id = HardwareId("hw-OTHER");
  EXPECT_EQ(verdict(selected(1)), "ecu-hardware-wrong");
}

TEST_F(Match, PartialSelectionNeedsTheFacts) {  // FMT-55
  json::Object custom = sim::assigned_to(kDoor, kDoorHardware, 2);
  custom.erase("mustMatch");
  assign("one", custom);
  EXPECT_EQ(verdict(selected(1)), "member-missing");
}

TEST_F(Match, PartialSelectionNeedsTheHardwareInBothPlaces) {  // PRI-32
  json::Object custom = sim::assigned_to(kDoor, kDoorHardware, 2);
  custom.set("mustMatch", model::MustMatch::of({kBrakeHardware}, ReleaseCounter(2)).all);
  assign("one", custom);
  EXPECT_EQ(verdict(selected(1)), "ecu-hardware-wrong");
}

}  // namespace
}  // namespace cotter::trust
