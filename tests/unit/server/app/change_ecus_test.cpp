// DIR-14: ECUs are replaced, added and removed by an authorised act, whatever state their vehicle is in.
#include "server/app/change_ecus.h"

#include <gtest/gtest.h>

#include "server/app/accept_manifest.h"
#include "server/app/assign.h"
#include "server/director/manifest_check.h"
#include "server/storage/sqlite/ecu_store.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::app {
namespace {

using inventory::EcuRecord;
using test::Depot;
using test::kBrake2;
using test::kVin;
using test::VehicleVoice;
using test::verdict;

EcuRecord record_of(const char* serial, const char* hardware, std::uint8_t key, bool primary = false) {
  return {EcuSerial(serial),
          HardwareId(hardware),
          primary,
          inventory::Verification::Full,
          test::NumberedSigner(key).public_key(),
          test::image("factory/part.bin", "part"),
          ReleaseCounter(1)};
}

Result<EcuChanged> change(const Depot& depot, std::optional<const char*> leaves,
                          std::optional<EcuRecord> enters, const char* reason = "repair order 7",
                          const VehicleId& vin = kVin) {
  host::Db db = depot.database();
  EcuChange wanted{{}, std::move(enters), reason};
  if (leaves) wanted.leaves = EcuSerial(*leaves);
  return change_ecus(db, depot.places().repo_dir, vin, wanted, depot.clock.time);
}

std::string verdict_on(const Depot& depot, const Bytes& body) {
  host::Db db = depot.database();
  return verdict(accept_manifest(db, kVin, body, depot.clock.time));
}

template <class T>
std::string fault_of(const Result<T>& result) {
  if (result) return "none";
  for (const auto& [kind, name] : {std::pair{Fault::Kind::Denied, "Denied"},
                                   {Fault::Kind::NotFound, "NotFound"},
                                   {Fault::Kind::Usage, "Usage"}}) {
    if (is_fault(result.error(), kind)) return name;
  }
  return "another";
}

void assign_brake(Depot& depot, const char* serial = "BRAKE") {
  depot.images.publish({{kBrake2, test::entry_for("brake 2", {HardwareId("brake-mk4")}, 7)}});
  host::Db db = depot.database();
  ASSERT_TRUE(assign(db, depot.places().repo_dir, kVin, EcuSerial(serial), kBrake2, depot.clock.time));
}

/// The vehicle says the new ECU in the place of the old one.
void swap(VehicleVoice& voice, const char* old_serial, const EcuRecord& record, std::uint8_t key) {
  voice.reports.erase(old_serial);
  test::ReportPlan plan;
  plan.key = key;
  plan.says.vin = kVin;
  plan.says.ecu = record.serial;
  plan.says.installed = record.image;
  plan.says.time = plan.says.previous_time = test::kNoon;
  plan.says.counter = 1;
  voice.reports.emplace(record.serial.value(), std::move(plan));
}

TEST(ChangeEcus, ReplacesAnEcuWithAnUpdateOnItsWay) {  // DIR-14
  Depot depot;
  depot.add_vehicle();
  assign_brake(depot);
  auto service = depot.open();
  test::DirectorReader reader(depot, *service);
  ASSERT_EQ(reader.listed(), std::vector{kBrake2.value()});
  VehicleVoice voice;
  ASSERT_EQ(verdict_on(depot, voice.wire()), "accepted");

  const EcuRecord spare = record_of("BRAKE-B", "brake-mk4", 50);
  const auto changed = change(depot, "BRAKE", spare);
  ASSERT_TRUE(changed) << explain(changed.error());
  EXPECT_EQ(changed->ended, kBrake2);
  EXPECT_TRUE(changed->is_carried) << changed->why_not;
  const auto set = reader.refresh();
  ASSERT_TRUE(set) << explain(set.error());
  const std::string targets = json::to_text((*set->targets())->encode());
  EXPECT_NE(targets.find("\"BRAKE-B\""), std::string::npos) << targets;
  EXPECT_EQ(targets.find("\"BRAKE\""), std::string::npos) << targets;

  voice.next();
  EXPECT_EQ(verdict_on(depot, voice.wire()), "manifest-ecu-unknown") << "it has that ECU no longer";
  swap(voice, "BRAKE", spare, 50);
  EXPECT_EQ(verdict_on(depot, voice.wire()), "accepted");
  voice.next();
  voice.reports.at("BRAKE-B").says.installed = test::image(kBrake2.value(), "brake 2");
  EXPECT_EQ(verdict_on(depot, voice.wire()), "accepted");
  EXPECT_TRUE(depot.vehicle().find(spare.serial)->desired->confirmed_at);
  EXPECT_TRUE(depot.signals().empty()) << "a repair is no attack";
  EXPECT_EQ(depot.count("ledger_entry WHERE kind = 'ecu-change'"), 1);
}

TEST(ChangeEcus, AssignsNothingThatTheNewEcuMayNotRun) {  // DIR-14, DIR-44
  Depot depot;
  depot.add_vehicle();
  assign_brake(depot);
  const auto changed = change(depot, "BRAKE", record_of("BRAKE-B", "brake-mk5", 50));
  ASSERT_TRUE(changed) << explain(changed.error());
  EXPECT_EQ(changed->ended, kBrake2);
  EXPECT_FALSE(changed->is_carried);
  EXPECT_NE(changed->why_not.find("brake-mk5"), std::string::npos) << changed->why_not;
  EXPECT_FALSE(depot.vehicle().find(EcuSerial("BRAKE-B"))->desired);
}

TEST(ChangeEcus, AssignsNothingThatIsNotPublishedAnyMore) {  // DIR-14, DIR-43
  Depot depot;
  depot.add_vehicle();
  assign_brake(depot);
  depot.images.publish({});
  const auto changed = change(depot, "BRAKE", record_of("BRAKE-B", "brake-mk4", 50));
  ASSERT_TRUE(changed) << explain(changed.error());
  EXPECT_FALSE(changed->is_carried) << "the vehicle would refuse all that is listed with it";
  EXPECT_FALSE(depot.vehicle().find(EcuSerial("BRAKE-B"))->desired);
}

TEST(ChangeEcus, IsNotOverrunByAManifestThatWasJudgedBefore) {  // DIR-14, DIR-26
  Depot depot;
  depot.add_vehicle();
  const auto judged = depot.vehicle();
  const Bytes body = VehicleVoice().wire();
  const auto news = director::check_manifest(judged, body, depot.clock.time).value();
  ASSERT_TRUE(change(depot, "BRAKE", record_of("BRAKE-B", "brake-mk4", 50)));
  host::Db db = depot.database();
  EXPECT_FALSE(storage::InventoryStore(db).accept(judged, news, body, depot.clock.time).value());
}

TEST(ChangeEcus, AddsAndRemovesAndLeavesTheOthersAlone) {  // DIR-14
  Depot depot;
  depot.add_vehicle();
  assign_brake(depot);
  ASSERT_TRUE(change(depot, std::nullopt, record_of("RADAR", "radar-mk1", 50)));
  ASSERT_TRUE(change(depot, "DOOR", std::nullopt));
  const auto vehicle = depot.vehicle();
  std::string serials;
  for (const inventory::Ecu& ecu : vehicle.ecus) serials += ecu.serial().value() + " ";
  EXPECT_EQ(serials, "GATEWAY BRAKE RADAR ");
  EXPECT_EQ(vehicle.find(EcuSerial("BRAKE"))->desired->name, kBrake2);
  host::Db db = depot.database();
  const auto former = storage::EcuStore(db).former(kVin).value();
  ASSERT_EQ(former.size(), 1U);
  EXPECT_EQ(former[0].record.serial, EcuSerial("DOOR"));
  EXPECT_EQ(former[0].left_at, depot.clock.time);
  EXPECT_EQ(former[0].reason, "repair order 7");
}

TEST(ChangeEcus, CountsTheManifestsOfANewPrimaryAnew) {  // DIR-14, DIR-26
  Depot depot;
  depot.add_vehicle();
  VehicleVoice old_voice;
  old_voice.manifest.counter = 500;
  ASSERT_EQ(verdict_on(depot, old_voice.wire()), "accepted");
  const EcuRecord spare = record_of("GATEWAY-B", "gateway-mk1", 50, true);
  ASSERT_TRUE(change(depot, "GATEWAY", spare));
  EXPECT_EQ(depot.vehicle().primary().serial(), spare.serial);

  VehicleVoice voice;
  voice.next();
  swap(voice, "GATEWAY", spare, 50);
  voice.manifest.primary = spare.serial;
  voice.primary_key = 50;
  EXPECT_EQ(verdict_on(depot, voice.wire()), "accepted") << "a new gateway begins at the beginning";
  EXPECT_EQ(verdict_on(depot, voice.wire()), "manifest-replayed");
  old_voice.next();
  EXPECT_EQ(verdict_on(depot, old_voice.wire()), "manifest-signature-wrong")
      << "the old gateway speaks for nobody";

  ASSERT_TRUE(change(depot, "GATEWAY-B", record_of("GATEWAY", "gateway-mk1", 1, true)));
  EXPECT_EQ(depot.vehicle().manifest_counter, 500U) << "what it said before it left is still said";
}

TEST(ChangeEcus, ForgetsNothingOfAnEcuThatComesBack) {  // DIR-14, DIR-26, PRI-31
  Depot depot;
  depot.add_vehicle();
  assign_brake(depot);
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.counter = 44;
  voice.reports.at("BRAKE").says.installed = test::image(kBrake2.value(), "brake 2");
  ASSERT_EQ(verdict_on(depot, voice.wire()), "accepted");
  ASSERT_TRUE(change(depot, "BRAKE", std::nullopt));
  ASSERT_TRUE(change(depot, std::nullopt, record_of("BRAKE", "brake-mk4", 2)));
  const auto vehicle = depot.vehicle();
  const inventory::Ecu& brake = *vehicle.find(EcuSerial("BRAKE"));
  EXPECT_EQ(brake.floor, ReleaseCounter(7));
  ASSERT_TRUE(brake.reported);
  EXPECT_EQ(brake.reported->counter, 44U);
  EXPECT_FALSE(brake.desired) << "what it was to run ended when it left";
  EXPECT_EQ(brake.given.size(), 1U) << "and is no stranger's image";
  voice.next();
  voice.reports.at("BRAKE").says.counter = 43;
  EXPECT_EQ(verdict_on(depot, voice.wire()), "manifest-replayed");

  EXPECT_EQ(fault_of(change(depot, "BRAKE", record_of("BRAKE", "brake-mk5", 60))), "Denied")
      << "its release counter would mean nothing";
  ASSERT_TRUE(change(depot, "BRAKE", record_of("BRAKE", "brake-mk4", 60)));
  EXPECT_EQ(depot.vehicle().find(EcuSerial("BRAKE"))->floor, ReleaseCounter(7));
  EXPECT_FALSE(depot.vehicle().find(EcuSerial("BRAKE"))->reported)
      << "with another key it has said nothing yet";
  ASSERT_TRUE(change(depot, "BRAKE", record_of("BRAKE", "brake-mk4", 2)));
  EXPECT_EQ(depot.vehicle().find(EcuSerial("BRAKE"))->reported->counter, 44U) << "and with the first it has";
}

TEST(ChangeEcus, ClearsNoQuarantine) {  // DIR-14, DIR-27
  Depot depot;
  depot.add_vehicle();
  VehicleVoice voice;
  voice.reports.at("DOOR").says.installed = test::image("stranger.bin", "malware");
  ASSERT_EQ(verdict_on(depot, voice.wire()), "accepted");
  ASSERT_TRUE(depot.vehicle().find(EcuSerial("DOOR"))->reported->quarantined);
  ASSERT_TRUE(change(depot, "DOOR", std::nullopt));
  ASSERT_TRUE(change(depot, std::nullopt, record_of("DOOR", "door-mk2", 3)));
  EXPECT_TRUE(depot.vehicle().find(EcuSerial("DOOR"))->reported->quarantined);
}

TEST(ChangeEcus, TakesBackARecordThatWasAMistake) {  // DIR-12
  Depot depot;
  depot.add_vehicle();
  ASSERT_TRUE(change(depot, std::nullopt, record_of("RADRA", "radar-mk1", 50)));
  ASSERT_TRUE(change(depot, "RADRA", std::nullopt, "mistyped"));
  EXPECT_EQ(fault_of(change(depot, std::nullopt, record_of("RADAR", "radar-mk1", 50))), "none");
}

TEST(ChangeEcus, BuildsAnOldEcuIntoNoOtherVehicleUnderItsOldName) {  // DIR-12, DIR-14
  Depot depot;
  depot.add_vehicle();
  depot.add_vehicle("VIN-2", "B-", 11);
  ASSERT_EQ(verdict_on(depot, VehicleVoice().wire()), "accepted");
  ASSERT_TRUE(change(depot, "BRAKE", std::nullopt));
  const VehicleId other("VIN-2");
  const auto by_serial = change(depot, std::nullopt, record_of("BRAKE", "brake-mk4", 50), "used part", other);
  EXPECT_EQ(fault_of(by_serial), "Denied");
  const auto by_key = change(depot, std::nullopt, record_of("BRAKE-C", "brake-mk4", 2), "used part", other);
  EXPECT_EQ(fault_of(by_key), "Denied");
  EXPECT_NE(summary(by_key.error()).find("vehicle VIN-1 had"), std::string::npos) << summary(by_key.error());
  EXPECT_EQ(fault_of(change(depot, std::nullopt, record_of("BRAKE-C", "brake-mk4", 2))), "Denied")
      << "nor into its own under another";
  host::Db db = depot.database();
  inventory::VehicleRecord fresh = test::factory_record("VIN-3", "C-", 21);
  fresh.ecus[1] = record_of("BRAKE", "brake-mk4", 50);
  EXPECT_EQ(fault_of(register_vehicle(db, as_bytes(json::to_text(fresh.encode())), depot.clock.time)),
            "Denied");
}

TEST(ChangeEcus, ChangesNothingWhereItMayNot) {  // DIR-10, DIR-14
  Depot depot;
  depot.add_vehicle();
  const std::uint64_t revision = depot.vehicle().desired_revision;
  EXPECT_EQ(fault_of(change(depot, "GATEWAY", std::nullopt)), "Denied");
  EXPECT_EQ(fault_of(change(depot, "GATEWAY", record_of("G2", "gateway-mk1", 50))), "Denied");
  EXPECT_EQ(fault_of(change(depot, std::nullopt, record_of("G2", "gateway-mk1", 50, true))), "Denied");
  EXPECT_EQ(fault_of(change(depot, "BRAKE", record_of("DOOR", "door-mk2", 50))), "Denied");
  EXPECT_EQ(fault_of(change(depot, "BRAKE", record_of("BRAKE-B", "brake-mk4", 3))), "Denied")
      << "the door's key";
  EXPECT_EQ(fault_of(change(depot, "NONE", record_of("BRAKE-B", "brake-mk4", 50))), "NotFound");
  EXPECT_EQ(fault_of(change(depot, "BRAKE", std::nullopt, "why", VehicleId("VIN-9"))), "NotFound");
  EXPECT_EQ(fault_of(change(depot, std::nullopt, std::nullopt)), "Usage");
  EXPECT_EQ(fault_of(change(depot, "BRAKE", std::nullopt, "")), "Usage");
  EXPECT_EQ(
      fault_of(change(depot, "BRAKE", std::nullopt, std::string(kMaxChangeReasonBytes + 1, 'x').c_str())),
      "Usage");
  EXPECT_EQ(fault_of(change(depot, "BRAKE", std::nullopt, "caf\xE9")), "Usage") << "the ledger is UTF-8";
  EXPECT_EQ(depot.vehicle().desired_revision, revision);
  EXPECT_EQ(depot.vehicle().ecus.size(), 3U);
  EXPECT_EQ(depot.count("former_ecu"), 0);
}

TEST(ChangeEcus, SettlesWhatTheVehicleHadSaidOfIt) {  // DIR-14
  Depot depot;
  depot.add_vehicle();
  const EcuRecord spare = record_of("BRAKE-B", "brake-mk4", 50);
  host::Db db = depot.database();
  storage::InventoryStore store(db);
  const storage::PendingEcu same{spare.serial, spare.hardware_id, spare.key.encode()};
  const storage::PendingEcu other_key{spare.serial, spare.hardware_id,
                                      test::NumberedSigner(51).public_key().encode()};
  const storage::PendingEcu other_hardware{spare.serial, HardwareId("door-mk2"), spare.key.encode()};
  ASSERT_TRUE(store.note_pending(depot.vehicle(), {same, other_key, other_hardware}, depot.clock.time));
  ASSERT_TRUE(change(depot, "BRAKE", spare));
  EXPECT_EQ(store.pending_ecus(kVin), (std::vector{other_key, other_hardware}));
  EXPECT_EQ(depot.signals().size(), 3U) << "that it named it unannounced stays on record";
}

TEST(ChangeEcus, KeepsTheAssignmentsOfAnOlderDatabase) {
  host::Db db = host::Db::open(":memory:").value();
  ASSERT_TRUE(host::migrate(db, storage::migrations().first(8)));
  const std::string record = json::to_text(record_of("BRAKE", "brake-mk4", 2).encode());
  ASSERT_TRUE(db.exec("INSERT INTO vehicle (vin, added_at) VALUES ('VIN-1', 1)"));
  ASSERT_TRUE(
      db.run("INSERT INTO ecu (serial, vin, position, hardware_id, is_primary, key_material, record, floor)"
             " VALUES ('BRAKE', 'VIN-1', 0, 'brake-mk4', 0, 'key', ?1, 1)",
             {record}));
  const std::string entry = json::to_text(test::entry_for("brake 2", {HardwareId("brake-mk4")}, 7).encode());
  ASSERT_TRUE(
      db.run("INSERT INTO assignment (serial, target, entry, source, made_at, confirmed_at)"
             " VALUES ('BRAKE', 'brakes/mk4/2.bin', ?1, 'operator', 5, 6)",
             {entry}));
  ASSERT_TRUE(host::migrate(db, storage::migrations()));
  auto vin = db.query("SELECT vin FROM assignment").value();
  ASSERT_TRUE(vin.step().value());
  EXPECT_EQ(vin.text(0), "VIN-1");
  const auto vehicle = storage::InventoryStore(db).load(kVin).value();
  ASSERT_TRUE(vehicle.ecus[0].desired);
  EXPECT_EQ(vehicle.ecus[0].desired->name, kBrake2);
  EXPECT_TRUE(vehicle.ecus[0].desired->confirmed_at);
}

}  // namespace
}  // namespace cotter::app
