// DIR-20 to DIR-28: each test spoils one thing in a manifest that is otherwise well.
#include "server/director/manifest_check.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/limits.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/fleet.h"

namespace cotter::director {
namespace {

using inventory::Vehicle;
using test::fresh_vehicle;
using test::kNoon;
using test::VehicleVoice;
using test::verdict;

std::string judged(const Vehicle& vehicle, const Bytes& body, UtcTime now = kNoon) {
  return verdict(check_manifest(vehicle, body, now));
}

/// The vehicle after `body` was taken in, as the store writes it down.
Vehicle after(Vehicle vehicle, const Bytes& body, UtcTime now = kNoon) {
  const auto news = check_manifest(vehicle, body, now).value();
  vehicle.manifest_counter = news.counter;
  for (const inventory::EcuNews& each : news.fresh) {
    for (inventory::Ecu& ecu : vehicle.ecus) {
      if (ecu.serial() != each.report.ecu) continue;
      ecu.floor = each.floor;
      ecu.reported = inventory::Reported{each.report.counter,   each.digest,  each.report.time, now,
                                         each.report.installed, std::nullopt, each.quarantined};
    }
  }
  return vehicle;
}

inventory::Ecu& ecu(Vehicle& vehicle, const char* serial) {
  return *std::ranges::find_if(vehicle.ecus,
                               [&](const inventory::Ecu& each) { return each.serial().value() == serial; });
}

TEST(ManifestCheck, TakesAWholeManifestAsNewsOfEveryEcu) {
  const auto news = check_manifest(fresh_vehicle(), VehicleVoice().wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  EXPECT_EQ(news->counter, 1U);
  EXPECT_EQ(news->fresh.size(), 3U);
  EXPECT_TRUE(news->stale.empty());
  EXPECT_TRUE(news->absent.empty());
  for (const inventory::EcuNews& each : news->fresh) {
    EXPECT_FALSE(each.quarantined) << each.report.ecu.value() << " runs its factory image";
    EXPECT_FALSE(each.confirms);
  }
}

TEST(ManifestCheck, RefusesWhatIsNoManifest) {
  EXPECT_EQ(judged(fresh_vehicle(), to_bytes("<html>")), "json-malformed");
  EXPECT_EQ(judged(fresh_vehicle(), to_bytes("{}")), "member-missing");
  EXPECT_EQ(judged(fresh_vehicle(), Bytes(kMaxManifestBytes + 1, ' ')), "file-too-large");
}

TEST(ManifestCheck, RefusesManifestOfAnotherVehicleUnderItsOwnCertificate) {  // DIR-20
  EXPECT_EQ(judged(fresh_vehicle(), VehicleVoice("VIN-2", "B-", 11).wire()), "manifest-signature-wrong");
}

TEST(ManifestCheck, RefusesOtherVehiclesNameUnderTheRightKey) {  // DIR-20
  VehicleVoice voice;
  voice.manifest.vin = VehicleId("VIN-2");
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-other-vehicle");
}

TEST(ManifestCheck, RefusesManifestSignedByASecondary) {  // DIR-23
  VehicleVoice voice;
  voice.primary_key = 2;
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-signature-wrong");
}

TEST(ManifestCheck, RefusesManifestThatNamesAnotherPrimary) {  // DIR-23
  VehicleVoice voice;
  voice.manifest.primary = EcuSerial("BRAKE");
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-primary-wrong");
}

TEST(ManifestCheck, RefusesManifestWhoseDigestIsNotItsOwn) {  // DIR-23, FMT-83
  Bytes body = VehicleVoice().wire();
  std::string text(as_text(body));
  const auto counter = text.find("\"manifest_counter\":1");
  ASSERT_NE(counter, std::string::npos);
  text.replace(counter, 20, "\"manifest_counter\":7");
  EXPECT_EQ(judged(fresh_vehicle(), to_bytes(text)), "manifest-hash-wrong");
}

TEST(ManifestCheck, RefusesTheSameManifestTwice) {  // ATK-42, DIR-26
  const Bytes body = VehicleVoice().wire();
  EXPECT_EQ(judged(after(fresh_vehicle(), body), body), "manifest-replayed");
}

TEST(ManifestCheck, RefusesOldReportInsideNewManifest) {  // ATK-42, DIR-26
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.counter = 4;
  const Vehicle vehicle = after(fresh_vehicle(), voice.wire());
  voice.next();
  voice.reports.at("BRAKE").says.counter = 3;
  EXPECT_EQ(judged(vehicle, voice.wire()), "manifest-replayed");
}

TEST(ManifestCheck, RefusesOtherReportUnderTheSameCounter) {  // DIR-26
  VehicleVoice voice;
  const Vehicle vehicle = after(fresh_vehicle(), voice.wire());
  voice.next();
  voice.reports.at("BRAKE").says.counter = 1;
  voice.reports.at("BRAKE").says.installed = test::image("other/brake/2.bin", "other");
  EXPECT_EQ(judged(vehicle, voice.wire()), "manifest-replayed");
}

TEST(ManifestCheck, TakesByteIdenticalRepeatOfASecondaryAsNoNews) {  // DIR-26, GAP-20
  VehicleVoice voice;
  const json::Value slept = voice.report("DOOR");
  const Vehicle vehicle = after(fresh_vehicle(), voice.wire());
  voice.next();
  const auto news = check_manifest(vehicle, voice.wire({{"DOOR", slept}}), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  EXPECT_EQ(news->stale, std::vector{EcuSerial("DOOR")});
  EXPECT_EQ(news->fresh.size(), 2U);
}

TEST(ManifestCheck, RefusesRepeatOfThePrimarysOwnReport) {  // DIR-26: it is awake when it writes a manifest
  VehicleVoice voice;
  const json::Value old = voice.report("GATEWAY");
  const Vehicle vehicle = after(fresh_vehicle(), voice.wire());
  voice.next();
  EXPECT_EQ(judged(vehicle, voice.wire({{"GATEWAY", old}})), "manifest-replayed");
}

TEST(ManifestCheck, NeverTakesARepeatAsConfirmation) {  // DIR-26, GAP-20
  VehicleVoice voice;
  voice.reports.at("DOOR").says.installed = test::image("door/2.bin", "door 2");
  const json::Value slept = voice.report("DOOR");
  Vehicle vehicle = after(fresh_vehicle(), voice.wire());
  ecu(vehicle, "DOOR").desired = inventory::Desired{
      TargetName("door/2.bin"), test::entry_for("door 2", {HardwareId("door-mk2")}, 2), kNoon};
  voice.next();
  const auto news = check_manifest(vehicle, voice.wire({{"DOOR", slept}}), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  for (const inventory::EcuNews& each : news->fresh) EXPECT_FALSE(each.confirms);
}

TEST(ManifestCheck, RefusesManifestThatLeavesAnEcuOut) {  // DIR-29, DIR-22
  VehicleVoice voice;
  voice.reports.erase("DOOR");
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-ecu-missing");
}

TEST(ManifestCheck, TakesMissingEcuAsAFactWithItsReason) {  // DIR-22
  VehicleVoice voice;
  voice.reports.erase("DOOR");
  voice.manifest.missing.emplace(EcuSerial("DOOR"), "no answer in 5 s");
  const auto news = check_manifest(fresh_vehicle(), voice.wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  ASSERT_EQ(news->absent.size(), 1U);
  EXPECT_EQ(news->absent[0].ecu.value(), "DOOR");
  EXPECT_EQ(news->absent[0].reason, "no answer in 5 s");
  EXPECT_FALSE(news->absent[0].forged);
}

TEST(ManifestCheck, RefusesReportOfAnEcuThatTheInventoryDoesNotKnow) {  // DIR-22, ATK-45
  VehicleVoice voice;
  test::ReportPlan rogue = voice.reports.at("DOOR");
  rogue.says.ecu = EcuSerial("DOOR-2");
  rogue.key = 99;
  voice.reports.emplace("DOOR-2", rogue);
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-ecu-unknown");
}

TEST(ManifestCheck, RefusesUnknownEcuNamedAsMissingOrRejected) {  // DIR-22
  VehicleVoice missing;
  missing.manifest.missing.emplace(EcuSerial("DOOR-2"), "asleep");
  EXPECT_EQ(judged(fresh_vehicle(), missing.wire()), "manifest-ecu-unknown");
  VehicleVoice rejected;
  rejected.manifest.rejected.emplace(EcuSerial("DOOR-2"), rejected.report("DOOR"));
  EXPECT_EQ(judged(fresh_vehicle(), rejected.wire()), "manifest-ecu-unknown");
}

TEST(ManifestCheck, RefusesSecondarysReportSignedByThePrimary) {  // ATK-43, DIR-24
  VehicleVoice voice;
  voice.reports.at("BRAKE").key = 1;
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-signature-wrong");
}

TEST(ManifestCheck, RefusesReportThatThePrimaryEdited) {  // ATK-43, DIR-24
  VehicleVoice voice;
  json::Value report = voice.report("BRAKE");
  report.as_object()->find("signed")->as_object()->set("attacks_detected", json::Value("none"));
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire({{"BRAKE", report}})), "manifest-hash-wrong");
}

TEST(ManifestCheck, RefusesReportUnderAnotherEcusName) {  // DIR-24
  VehicleVoice voice;
  voice.reports.at("DOOR").says.ecu = EcuSerial("BRAKE");
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-serial-mismatch");
}

TEST(ManifestCheck, RefusesOneEcusReportInPlaceOfAnothers) {  // ATK-43, DIR-24
  VehicleVoice voice;
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire({{"DOOR", voice.report("BRAKE")}})),
            "manifest-signature-wrong");
}

TEST(ManifestCheck, RefusesReportSplicedFromAnotherVehicle) {  // ATK-44
  VehicleVoice other("VIN-2", "", 11);
  EXPECT_EQ(judged(fresh_vehicle(), VehicleVoice().wire({{"BRAKE", other.report("BRAKE")}})),
            "manifest-signature-wrong");
}

TEST(ManifestCheck, RefusesOwnEcusReportWrittenForAnotherVehicle) {  // ATK-44: an ECU that was moved
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.vin = VehicleId("VIN-2");
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-other-vehicle");
}

TEST(ManifestCheck, RefusesTimeBeyondTheSkewAndTakesTimeWithinIt) {  // DIR-25
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.time = kNoon + std::chrono::minutes(5);
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "accepted");
  voice.reports.at("BRAKE").says.time += std::chrono::seconds(1);
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "manifest-time-wrong");
}

TEST(ManifestCheck, RefusesTimeThatRunsBackward) {  // DIR-25
  VehicleVoice voice;
  const Vehicle vehicle = after(fresh_vehicle(), voice.wire());
  voice.next();
  voice.reports.at("BRAKE").says.time = kNoon - std::chrono::seconds(1);
  EXPECT_EQ(judged(vehicle, voice.wire()), "manifest-time-wrong");
}

TEST(ManifestCheck, TakesAttackIndicatorWithoutRefusing) {  // DIR-28
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.attacks_detected = "director/targets:match-hash-differs";
  EXPECT_EQ(judged(fresh_vehicle(), voice.wire()), "accepted");
}

TEST(ManifestCheck, FlagsImageThatWeNeverGave) {  // DIR-27
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("strange/brake/9.bin", "strange");
  const auto news = check_manifest(fresh_vehicle(), voice.wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  for (const inventory::EcuNews& each : news->fresh) {
    EXPECT_EQ(each.quarantined, each.report.ecu.value() == "BRAKE") << each.report.ecu.value();
  }
}

TEST(ManifestCheck,
     KnowsEveryImageThatAnEcuWasEverAssigned) {  // DIR-27: it may have rolled back to one of them
  Vehicle vehicle = fresh_vehicle();
  ecu(vehicle, "BRAKE").given = {crypto::Hashes::of(as_bytes("brake 2"))};
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("brake/2.bin", "brake 2");
  const auto news = check_manifest(vehicle, voice.wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  for (const inventory::EcuNews& each : news->fresh) EXPECT_FALSE(each.quarantined);
}

TEST(ManifestCheck, ConfirmsAssignmentByTheEcusOwnReportAndRaisesItsFloor) {  // GAP-20, PRI-31
  Vehicle vehicle = fresh_vehicle();
  ecu(vehicle, "BRAKE").desired = inventory::Desired{
      TargetName("brake/2.bin"), test::entry_for("brake 2", {HardwareId("brake-mk4")}, 7), kNoon};
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("brake/2.bin", "brake 2");
  const auto news = check_manifest(vehicle, voice.wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  for (const inventory::EcuNews& each : news->fresh) {
    const bool brake = each.report.ecu.value() == "BRAKE";
    EXPECT_EQ(each.confirms, brake);
    EXPECT_EQ(each.floor.value(), brake ? 7U : 1U);
  }
}

TEST(ManifestCheck, RaisesFloorByTheCounterThatAnEcuStatesAndNeverLowersIt) {  // PRI-31
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.release_counter = ReleaseCounter(5);
  voice.reports.at("DOOR").says.release_counter = ReleaseCounter(0);
  const Vehicle vehicle = after(fresh_vehicle(), voice.wire());
  EXPECT_EQ(vehicle.find(EcuSerial("BRAKE"))->floor.value(), 5U);
  EXPECT_EQ(vehicle.find(EcuSerial("DOOR"))->floor.value(), 1U);
}

TEST(ManifestCheck, KeepsForgedReportThatThePrimaryPassesOnAsAFact) {  // PRI-10, ATK-46
  VehicleVoice voice;
  voice.reports.at("DOOR").key = 99;
  voice.manifest.rejected.emplace(EcuSerial("DOOR"), voice.report("DOOR"));
  voice.reports.erase("DOOR");
  const auto news = check_manifest(fresh_vehicle(), voice.wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  EXPECT_EQ(news->fresh.size(), 2U);
  ASSERT_EQ(news->absent.size(), 1U);
  EXPECT_TRUE(news->absent[0].forged);
}

TEST(ManifestCheck, NamesEcusThatVerifiedOlderTargetsThanOthers) {  // ATK-12
  VehicleVoice voice;
  voice.reports.at("GATEWAY").says.director_targets_version = Version(6);
  voice.reports.at("BRAKE").says.director_targets_version = Version(5);
  const auto news = check_manifest(fresh_vehicle(), voice.wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  ASSERT_EQ(news->behind.size(), 1U);  // DOOR has verified none yet
  EXPECT_EQ(news->behind[0].ecu, EcuSerial("BRAKE"));
  EXPECT_EQ(news->behind[0].newest, Version(6));
  voice.reports.at("BRAKE").says.director_targets_version = Version(6);
  EXPECT_TRUE(check_manifest(fresh_vehicle(), voice.wire(), kNoon)->behind.empty());
}

TEST(ManifestCheck, TakesReportThatOnlyThePrimaryCouldNotVerify) {  // PRI-10
  VehicleVoice voice;
  voice.manifest.rejected.emplace(EcuSerial("DOOR"), voice.report("DOOR"));
  voice.reports.erase("DOOR");
  const auto news = check_manifest(fresh_vehicle(), voice.wire(), kNoon);
  ASSERT_TRUE(news) << explain(news.error());
  EXPECT_EQ(news->fresh.size(), 3U);
}

}  // namespace
}  // namespace cotter::director
