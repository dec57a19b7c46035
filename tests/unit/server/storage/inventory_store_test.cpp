#include "server/storage/sqlite/inventory_store.h"

#include <gtest/gtest.h>

#include "server/director/manifest_check.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::storage {
namespace {

using test::Depot;
using test::VehicleVoice;

const VehicleId kVin("VIN-1");

TEST(InventoryStore, WritesNothingForAVehicleThatChangedSinceItWasJudged) {  // DIR-26: compare-and-set
  Depot depot;
  depot.add_vehicle();
  host::Db db = depot.database();
  InventoryStore store(db);
  const auto judged = store.load(kVin).value();
  VehicleVoice voice;
  const Bytes body = voice.wire();
  const auto news = director::check_manifest(judged, body, test::kNoon).value();
  EXPECT_TRUE(store.accept(judged, news, body, test::kNoon).value());
  EXPECT_FALSE(store.accept(judged, news, body, test::kNoon).value()) << "another manifest was quicker";

  const auto later = store.load(kVin).value();
  voice.next();
  const Bytes next = voice.wire();
  const auto later_news = director::check_manifest(later, next, test::kNoon).value();
  const inventory::Desired desired{TargetName("a.bin"), test::entry_for("a", {HardwareId("brake-mk4")}, 2),
                                   test::kNoon};
  ASSERT_TRUE(store.assign(later, EcuSerial("BRAKE"), desired, Source::Operator).value());
  EXPECT_FALSE(store.assign(later, EcuSerial("DOOR"), desired, Source::Operator).value())
      << "it is another now";
  EXPECT_FALSE(store.accept(later, later_news, next, test::kNoon).value()) << "an assignment came in between";
  EXPECT_EQ(store.load(kVin).value().manifest_counter, 1U);
  EXPECT_EQ(depot.count("manifest"), 1);
}

TEST(InventoryStore, TellsSinceWhenManifestsAreRefused) {  // DIR-21
  Depot depot;
  depot.add_vehicle();
  host::Db db = depot.database();
  InventoryStore store(db);
  EXPECT_FALSE(store.refusal(kVin).value());
  const auto refuse_at = [&](UtcTime time, RuleId rule) {
    Rejection why;
    why.rule = rule;
    ASSERT_TRUE(store.note_refused(kVin, why, {}, time));
  };
  const auto accept_at = [&](std::uint64_t counter) {
    VehicleVoice voice;
    voice.manifest.counter = counter;
    for (auto& [serial, plan] : voice.reports) plan.says.counter = counter;
    const auto judged = store.load(kVin).value();
    const Bytes body = voice.wire();
    ASSERT_TRUE(
        store.accept(judged, director::check_manifest(judged, body, test::kNoon).value(), body, test::kNoon));
  };
  refuse_at(test::kNoon - std::chrono::days(9), RuleId::ManifestReplayed);
  accept_at(1);
  EXPECT_FALSE(store.refusal(kVin).value());
  EXPECT_FALSE(store.list()->front().refused);
  refuse_at(test::kNoon + std::chrono::days(1), RuleId::ManifestReplayed);
  refuse_at(test::kNoon + std::chrono::days(2), RuleId::ManifestEcuUnknown);
  const auto refusal = store.refusal(kVin).value();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->rule, "manifest-ecu-unknown");
  EXPECT_EQ(refusal->since, test::kNoon + std::chrono::days(1)) << "of the first since one was accepted";
  EXPECT_TRUE(store.list()->front().refused);
  accept_at(2);
  EXPECT_FALSE(store.refusal(kVin).value());
}

TEST(InventoryStore, CountsEcusByHardwareAndTheVehiclesThatTheyAreIn) {
  Depot depot;
  depot.add_vehicle("VIN-1", "A-", 1);
  depot.add_vehicle("VIN-2", "B-", 11);
  host::Db db = depot.database();
  InventoryStore store(db);
  const HardwareId brake("brake-mk4"), door("door-mk2"), none("none");
  EXPECT_EQ(store.count_all().value(), (FleetCount{2, 6}));
  EXPECT_EQ(store.count_of({brake, door, none}).value(), (FleetCount{2, 4}));
  EXPECT_EQ(store.count_of({none}).value(), (FleetCount{0, 0}));
  EXPECT_EQ(store.count_of({}).value(), (FleetCount{0, 0}));
  EXPECT_EQ(store.count_partial().value(), (FleetCount{2, 2}));
}

TEST(InventoryStore, GivesBackAllThatAReportSaid) {  // DIR-12
  Depot depot;
  depot.add_vehicle();
  VehicleVoice voice;
  model::VersionReport& says = voice.reports.at("DOOR").says;
  says.director_targets_version = Version(9);
  says.time = test::kNoon - std::chrono::hours(1);
  says.counter = 44;
  host::Db db = depot.database();
  InventoryStore store(db);
  const auto judged = store.load(kVin).value();
  const Bytes body = voice.wire();
  ASSERT_TRUE(
      store.accept(judged, director::check_manifest(judged, body, test::kNoon).value(), body, test::kNoon));
  const auto reported = store.load(kVin).value().find(EcuSerial("DOOR"))->reported;
  ASSERT_TRUE(reported);
  EXPECT_EQ(reported->counter, 44U);
  EXPECT_EQ(reported->digest, crypto::sha256(json::canonical(voice.report("DOOR"))));
  EXPECT_EQ(reported->ecu_time, says.time);
  EXPECT_EQ(reported->accepted_at, test::kNoon);
  EXPECT_EQ(reported->installed, says.installed);
  EXPECT_EQ(reported->targets_version, Version(9));
}

TEST(InventoryStore, CountsWhatTheListShows) {
  Depot depot;
  depot.add_vehicle();
  depot.add_vehicle("VIN-2", "B-", 11);
  host::Db db = depot.database();
  InventoryStore store(db);
  const inventory::Desired desired{TargetName("a.bin"), test::entry_for("a", {HardwareId("brake-mk4")}, 2),
                                   test::kNoon};
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(
        store.assign(store.load(kVin).value(), EcuSerial("BRAKE"), desired, Source::Operator).value());
  }
  const auto all = store.list().value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].vin, kVin);
  EXPECT_EQ(all[0].ecus, 3U);
  EXPECT_EQ(all[0].assigned, 1U) << "the newest of an ECU's assignments counts";
  EXPECT_EQ(all[0].confirmed, 0U);
  EXPECT_EQ(all[1].assigned, 0U);
  EXPECT_FALSE(all[1].last_manifest_at);
}

TEST(InventoryStore, ListsByWhatOneEcuIsAndRunsAndByTags) {
  Depot depot;
  depot.add_vehicle();
  depot.add_vehicle("VIN-2", "B-", 11);
  host::Db db = depot.database();
  InventoryStore store(db);
  const auto listed = [&](const VehicleFilter& filter) {
    std::string vins;
    const auto all = store.list(filter).value();
    for (const VehicleSummary& each : all) vins += each.vin.value().substr(4);
    return vins;
  };
  VehicleFilter runs;
  runs.image = TargetName("factory/brake-mk4/1.bin");
  EXPECT_EQ(listed(runs), "12") << "by the factory's record, until it reports";
  test::VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("brakes/2.bin", "brake 2");
  const Bytes body = voice.wire();
  const auto judged = store.load(kVin).value();
  ASSERT_TRUE(
      store.accept(judged, director::check_manifest(judged, body, test::kNoon).value(), body, test::kNoon));
  EXPECT_EQ(listed(runs), "2");
  runs.image = TargetName("brakes/2.bin");
  EXPECT_EQ(listed(runs), "1");
  runs.hardware = HardwareId("door-mk2");
  EXPECT_EQ(listed(runs), "") << "no door of it runs that";

  ASSERT_TRUE(db.exec("UPDATE ecu SET floor = 7 WHERE serial = 'B-BRAKE'"));
  VehicleFilter old_brakes;
  old_brakes.hardware = HardwareId("brake-mk4");
  old_brakes.below = ReleaseCounter(7);
  EXPECT_EQ(listed(old_brakes), "1");

  const inventory::VehicleTag canary("canary"), japan("market-jp");
  EXPECT_TRUE(store.tag(kVin, canary).value());
  EXPECT_FALSE(store.tag(kVin, canary).value()) << "it has that";
  EXPECT_TRUE(store.tag(kVin, japan).value());
  EXPECT_TRUE(store.tag(VehicleId("VIN-2"), japan).value());
  VehicleFilter tagged;
  tagged.tags = {japan};
  EXPECT_EQ(listed(tagged), "12");
  tagged.tags = {japan, canary};
  EXPECT_EQ(listed(tagged), "1");
  EXPECT_EQ(store.list(tagged)->front().tags, (std::vector{canary, japan}));
  EXPECT_TRUE(store.untag(kVin, canary).value());
  EXPECT_FALSE(store.untag(kVin, canary).value());
  EXPECT_EQ(listed(tagged), "");
  EXPECT_FALSE(store.tag(VehicleId("VIN-9"), canary)) << "nobody knows that one";
}

TEST(InventoryStore, ListsThoseThatAreAskedFor) {
  Depot depot;
  depot.add_vehicle();
  depot.add_vehicle("VIN-2", "B-", 11);
  depot.add_vehicle("VIN-3", "C-", 21);
  host::Db db = depot.database();
  InventoryStore store(db);
  const auto listed = [&](const VehicleFilter& filter) {
    std::string vins;
    const auto all = store.list(filter).value();
    for (const VehicleSummary& each : all) vins += each.vin.value().substr(4);
    return vins;
  };
  const auto in_state = [](VehicleState state) {
    VehicleFilter filter;
    filter.state = state;
    return filter;
  };
  const inventory::Desired desired{TargetName("a.bin"), test::entry_for("a", {HardwareId("brake-mk4")}, 2),
                                   test::kNoon};
  for (const char* ecu : {"BRAKE", "B-BRAKE"})
    ASSERT_TRUE(store
                    .assign(store.load(VehicleId(ecu[1] == '-' ? "VIN-2" : "VIN-1")).value(), EcuSerial(ecu),
                            desired, Source::Operator)
                    .value());
  ASSERT_TRUE(db.exec("UPDATE assignment SET confirmed_at = 1 WHERE serial = 'B-BRAKE'"));
  EXPECT_EQ(listed(in_state(VehicleState::Updating)), "1");
  EXPECT_EQ(listed(in_state(VehicleState::Current)), "2");
  EXPECT_EQ(listed(in_state(VehicleState::Unassigned)), "3");
  ASSERT_TRUE(db.exec("UPDATE ecu SET quarantined = 1 WHERE serial = 'B-DOOR'"));
  EXPECT_EQ(listed(in_state(VehicleState::Quarantined)), "2");
  EXPECT_EQ(listed(in_state(VehicleState::Current)), "");

  ASSERT_TRUE(db.exec("UPDATE vehicle SET last_manifest_at = 100 WHERE vin = 'VIN-1'"));
  ASSERT_TRUE(db.exec("UPDATE vehicle SET last_manifest_at = 200 WHERE vin = 'VIN-2'"));
  const UtcTime then(std::chrono::seconds(200));
  VehicleFilter seen, unseen;
  seen.seen_since = then;
  unseen.seen_before = then;
  EXPECT_EQ(listed(seen), "2");
  EXPECT_EQ(listed(unseen), "13") << "one that never was heard of, too";

  ASSERT_TRUE(db.exec("UPDATE ecu SET hardware_id = 'brake-mk5' WHERE serial = 'C-BRAKE'"));
  VehicleFilter old_brakes;
  old_brakes.hardware = HardwareId("brake-mk4");
  EXPECT_EQ(listed(old_brakes), "12");
  EXPECT_EQ(store.list(old_brakes)->front().ecus, 3U) << "of the whole vehicle";

  VehicleFilter page;
  page.limit = 2;
  EXPECT_EQ(listed(page), "12");
  page.after = VehicleId("VIN-2");
  EXPECT_EQ(listed(page), "3");
  page.state = VehicleState::Updating;
  page.after.reset();
  page.limit = 1;
  EXPECT_EQ(listed(page), "1") << "so many that fit, not so many that were looked at";
}

TEST(InventoryStore, AdmitsNoEcuWithoutItsVehicleAndNoSecondPrimary) {  // DIR-10
  Depot depot;
  depot.add_vehicle();
  host::Db db = depot.database();
  EXPECT_FALSE(
      db.run("INSERT INTO ecu (serial, vin, position, hardware_id, is_primary, key_material, record, floor)"
             " VALUES ('X', 'NOBODY', 0, 'h', 0, 'k', '{}', 0)"));
  EXPECT_FALSE(
      db.run("INSERT INTO ecu (serial, vin, position, hardware_id, is_primary, key_material, record, floor)"
             " VALUES ('X', 'VIN-1', 9, 'h', 1, 'k', '{}', 0)"));
  EXPECT_EQ(depot.count("ecu"), 3);
}

}  // namespace
}  // namespace cotter::storage
