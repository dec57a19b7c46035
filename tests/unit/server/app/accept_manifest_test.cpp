// DIR-20 to DIR-30 on a real database: what a manifest changes, and that a refused one changes nothing.
#include "server/app/accept_manifest.h"

#include <gtest/gtest.h>

#include "common/json/strict_reader.h"
#include "server/app/assign.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::app {
namespace {

using test::Depot;
using test::kBrake2;
using test::kVin;
using test::VehicleVoice;
using test::verdict;

Result<ManifestReceipt> send(const Depot& depot, const Bytes& body, const VehicleId& caller = kVin) {
  host::Db db = depot.database();
  return accept_manifest(db, caller, body, depot.clock.time);
}

const inventory::Ecu& ecu(const inventory::Vehicle& vehicle, const char* serial) {
  return *vehicle.find(EcuSerial(serial));
}

/// All that the inventory says of its vehicles, as one text to compare.
std::string inventory_of(const Depot& depot) {
  std::string text;
  host::Db db = depot.database();
  for (const char* sql :
       {"SELECT vin || manifest_counter || last_manifest_at || desired_revision FROM vehicle",
        "SELECT serial || floor || coalesce(absence, '-') || report || reported_at || quarantined FROM ecu",
        "SELECT serial || target || coalesce(confirmed_at, '-') FROM assignment",
        "SELECT serial || kind || detail FROM attack_signal"}) {
    auto row = db.query(sql).value();
    while (row.step().value()) text += row.text(0) + "\n";
  }
  return text;
}

TEST(AcceptManifest, RecordsWhatEveryEcuRuns) {  // DIR-12
  Depot depot;
  depot.add_vehicle();
  depot.clock.time += std::chrono::minutes(1);
  const auto receipt = send(depot, VehicleVoice().wire());
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->fresh.size(), 3U);
  const auto vehicle = depot.vehicle();
  EXPECT_EQ(vehicle.manifest_counter, 1U);
  EXPECT_EQ(vehicle.last_manifest_at, depot.clock.time);
  for (const inventory::Ecu& each : vehicle.ecus) {
    ASSERT_TRUE(each.reported) << each.serial().value();
    EXPECT_EQ(each.reported->installed, each.record.image);
    EXPECT_EQ(each.reported->counter, 1U);
    EXPECT_EQ(each.reported->accepted_at, depot.clock.time);
    EXPECT_EQ(each.reported->ecu_time, test::kNoon);
  }
  EXPECT_EQ(depot.count("manifest WHERE rule IS NULL AND body IS NOT NULL"), 1);  // DIR-30
}

TEST(AcceptManifest, ConfirmsAnAssignmentByTheEcusOwnReport) {
  Depot depot;
  depot.add_vehicle();
  depot.images.publish({{kBrake2, test::entry_for("brake 2", {HardwareId("brake-mk4")}, 7)}});
  {
    host::Db db = depot.database();
    ASSERT_TRUE(assign(db, depot.places().repo_dir, kVin, EcuSerial("BRAKE"), kBrake2, depot.clock.time));
  }
  VehicleVoice voice;
  ASSERT_TRUE(send(depot, voice.wire()));
  EXPECT_FALSE(ecu(depot.vehicle(), "BRAKE").desired->confirmed_at);
  voice.next();
  voice.reports.at("BRAKE").says.installed = test::image(kBrake2.value(), "brake 2");
  const auto receipt = send(depot, voice.wire());
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->confirmed, std::vector{EcuSerial("BRAKE")});
  EXPECT_TRUE(receipt->quarantined.empty());
  EXPECT_EQ(ecu(depot.vehicle(), "BRAKE").desired->confirmed_at, depot.clock.time);
  EXPECT_EQ(ecu(depot.vehicle(), "BRAKE").floor.value(), 7U);
}

TEST(AcceptManifest, ChangesNothingForARefusedManifestButNotesThatItCame) {  // DIR-21, DIR-30
  Depot depot;
  depot.add_vehicle();
  ASSERT_TRUE(send(depot, VehicleVoice().wire()));
  const std::string before = inventory_of(depot);
  VehicleVoice voice;
  voice.next();
  voice.reports.at("GATEWAY").says.attacks_detected = "image/root:root-expired";
  voice.reports.at("BRAKE").key = 1;  // ATK-43
  EXPECT_EQ(verdict(send(depot, voice.wire())), "manifest-signature-wrong");
  EXPECT_EQ(inventory_of(depot), before);
  EXPECT_EQ(depot.count("manifest WHERE rule = 'manifest-signature-wrong' AND body IS NULL"), 1);
  voice.reports.at("BRAKE").key = 2;
  EXPECT_EQ(verdict(send(depot, voice.wire())), "accepted")
      << "the counters of the refused one are not spent";
}

TEST(AcceptManifest, RefusesReplayAfterARestart) {  // ATK-42
  Depot depot;
  depot.add_vehicle();
  const Bytes body = VehicleVoice().wire();
  ASSERT_TRUE(send(depot, body));
  EXPECT_EQ(verdict(send(depot, body)), "manifest-replayed");
}

TEST(AcceptManifest, RefusesCallerThatTheInventoryDoesNotKnow) {  // DIR-20
  Depot depot;
  depot.add_vehicle();
  const auto receipt = send(depot, VehicleVoice().wire(), VehicleId("NOBODY"));
  ASSERT_FALSE(receipt);
  EXPECT_TRUE(is_fault(receipt.error(), Fault::Kind::NotFound));
}

TEST(AcceptManifest, RefusesOneVehiclesManifestUnderAnothersCertificate) {  // DIR-20, ATK-44
  Depot depot;
  depot.add_vehicle();
  depot.add_vehicle("VIN-2", "B-", 11);
  EXPECT_EQ(verdict(send(depot, VehicleVoice("VIN-2", "B-", 11).wire())), "manifest-signature-wrong");
}

TEST(AcceptManifest, StoresAnAttackIndicatorOnceUntilItChanges) {  // DIR-28
  Depot depot;
  depot.add_vehicle();
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.attacks_detected = "director/targets:match-hash-differs";
  const auto receipt = send(depot, voice.wire());
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->attacked, std::vector{EcuSerial("BRAKE")});
  voice.next();
  ASSERT_TRUE(send(depot, voice.wire()));
  ASSERT_EQ(depot.signals().size(), 1U);
  EXPECT_EQ(depot.signals()[0].kind, storage::SignalKind::Detected);
  EXPECT_EQ(depot.signals()[0].detail, "director/targets:match-hash-differs");
  voice.next();
  voice.reports.at("BRAKE").says.attacks_detected = "image/root:root-expired";
  ASSERT_TRUE(send(depot, voice.wire()));
  EXPECT_EQ(depot.signals().size(), 2U);
}

TEST(AcceptManifest, QuarantinesAnEcuThatRunsAnImageOfNobodysUntilItRunsOneOfOurs) {  // DIR-27
  Depot depot;
  depot.add_vehicle();
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("strange.bin", "strange");
  const auto receipt = send(depot, voice.wire());
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->quarantined, std::vector{EcuSerial("BRAKE")});
  EXPECT_TRUE(ecu(depot.vehicle(), "BRAKE").reported->quarantined);
  ASSERT_EQ(depot.signals().size(), 1U);
  EXPECT_EQ(depot.signals()[0].kind, storage::SignalKind::UnknownImage);
  voice.next();
  voice.reports.at("BRAKE").says.installed = ecu(depot.vehicle(), "BRAKE").record.image;
  ASSERT_TRUE(send(depot, voice.wire()));
  EXPECT_FALSE(ecu(depot.vehicle(), "BRAKE").reported->quarantined);
}

TEST(AcceptManifest, RemembersWhyAnEcuIsMissingUntilItReports) {  // DIR-22
  Depot depot;
  depot.add_vehicle();
  VehicleVoice voice;
  VehicleVoice without = voice;
  without.reports.erase("DOOR");
  without.manifest.missing.emplace(EcuSerial("DOOR"), "no answer");
  const auto receipt = send(depot, without.wire());
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->missing, std::vector{EcuSerial("DOOR")});
  EXPECT_EQ(ecu(depot.vehicle(), "DOOR").absence, "no answer");
  EXPECT_FALSE(ecu(depot.vehicle(), "DOOR").reported);
  voice.next();
  ASSERT_TRUE(send(depot, voice.wire()));
  EXPECT_FALSE(ecu(depot.vehicle(), "DOOR").absence);
}

TEST(AcceptManifest, TakesSleepingSecondarysOldReportAsNoNews) {  // DIR-26, GAP-20
  Depot depot;
  depot.add_vehicle();
  VehicleVoice voice;
  const json::Value slept = voice.report("DOOR");
  ASSERT_TRUE(send(depot, voice.wire()));
  depot.clock.time += std::chrono::hours(1);
  voice.next();
  const auto receipt = send(depot, voice.wire({{"DOOR", slept}}));
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->stale, std::vector{EcuSerial("DOOR")});
  EXPECT_EQ(ecu(depot.vehicle(), "DOOR").reported->accepted_at, test::kNoon);
}

TEST(AcceptManifest, NotesForgedReportThatThePrimaryPassedOn) {  // PRI-10
  Depot depot;
  depot.add_vehicle();
  VehicleVoice voice;
  voice.reports.at("DOOR").key = 99;
  voice.manifest.rejected.emplace(EcuSerial("DOOR"), voice.report("DOOR"));
  voice.reports.erase("DOOR");
  const auto receipt = send(depot, voice.wire());
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->missing, std::vector{EcuSerial("DOOR")});
  ASSERT_EQ(depot.signals().size(), 1U);
  EXPECT_EQ(depot.signals()[0].kind, storage::SignalKind::ForgedReport);
}

}  // namespace
}  // namespace cotter::app
