#include "server/app/director_service.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "server/app/assign.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::app {
namespace {

using test::Depot;
using test::DirectorReader;
using test::kBrake2;
using test::kVin;
using test::VehicleVoice;
using test::verdict;

void publish_brake_2(Depot& depot) {
  depot.images.publish({{kBrake2, test::entry_for("brake 2", {HardwareId("brake-mk4")}, 2)}});
}
void assign_brake_2(Depot& depot) {
  host::Db db = depot.database();
  const auto done = assign(db, depot.places().repo_dir, kVin, EcuSerial("BRAKE"), kBrake2, depot.clock.time);
  ASSERT_TRUE(done) << explain(done.error());
}

TEST(DirectorService, ServesNothingToVehicleItDoesNotKnow) {  // DIR-20
  Depot depot;
  const auto service = depot.open();
  for (const char* name : {"1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}) {
    const auto file = service->metadata(VehicleId("NOBODY"), name);
    ASSERT_FALSE(file) << name;
    EXPECT_TRUE(is_fault(file.error(), Fault::Kind::NotFound)) << name;
  }
}

TEST(DirectorService, ServesFilesUnderOneSpellingEach) {  // FMT-100
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  EXPECT_TRUE(service->metadata(kVin, "1.root.json"));
  EXPECT_TRUE(service->metadata(kVin, "1.targets.json"));
  for (const char* name : {"root.json", "01.root.json", "+1.root.json", "0.root.json", "2.root.json",
                           "1.timestamp.json", "targets.json", "1.targets.json ", "1.targets.jsonx",
                           "../cotter.db", "1.brakes.json", "", "99999999999999999999.targets.json"}) {
    const auto file = service->metadata(kVin, name);
    ASSERT_FALSE(file) << name;
    EXPECT_TRUE(is_fault(file.error(), Fault::Kind::NotFound)) << name;
  }
}

TEST(DirectorService, GivesEmptyTargetsBoundToTheVehicleWhenThereIsNothingToDo) {  // FMT-61, DIR-45
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  const auto set = DirectorReader(depot, *service).refresh();
  ASSERT_TRUE(set) << explain(set.error());
  EXPECT_TRUE((*set->targets())->targets.empty());
  EXPECT_EQ((*set->targets())->vin, kVin);
  EXPECT_EQ((*set->snapshot())->vin, kVin);
  EXPECT_EQ((*set->timestamp())->vin, kVin);
}

TEST(DirectorService, SignsNothingForAPollWithoutNews) {
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  const Bytes first = service->metadata(kVin, "timestamp.json").value();
  const int signatures = depot.keys.timestamp_key.count();
  depot.clock.time += std::chrono::hours(17);
  EXPECT_EQ(service->metadata(kVin, "timestamp.json").value(), first);
  EXPECT_EQ(depot.keys.timestamp_key.count(), signatures);
}

TEST(DirectorService, RenewsWhenAQuarterOfItsLifeIsLeft) {
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  DirectorReader vehicle(depot, *service);
  ASSERT_TRUE(vehicle.refresh());
  const Bytes first = vehicle.timestamp;
  depot.clock.time += std::chrono::hours(18);
  const auto set = vehicle.refresh();
  ASSERT_TRUE(set) << explain(set.error());
  EXPECT_NE(vehicle.timestamp, first);
  EXPECT_EQ((*set->timestamp())->expires, depot.clock.time + std::chrono::hours(24));
}

TEST(DirectorService, ListsAssignmentWithTheNextPollOfThatVehicleAlone) {  // DIR-3, DIR-42
  Depot depot;
  depot.add_vehicle();
  depot.add_vehicle("VIN-2", "B-", 11);
  const auto service = depot.open();
  DirectorReader vehicle(depot, *service);
  DirectorReader other(depot, *service, "VIN-2");
  EXPECT_TRUE(vehicle.listed().empty());
  EXPECT_TRUE(other.listed().empty());
  const Bytes others = other.timestamp;
  publish_brake_2(depot);
  assign_brake_2(depot);
  EXPECT_EQ(vehicle.listed(), std::vector{kBrake2.value()});
  EXPECT_TRUE(other.listed().empty());
  EXPECT_EQ(other.timestamp, others);
}

TEST(DirectorService, CopiesEntryFromTheImageRepository) {  // FMT-51, DIR-43, FMT-60
  Depot depot;
  depot.add_vehicle();
  publish_brake_2(depot);
  assign_brake_2(depot);
  const auto service = depot.open();
  const auto set = DirectorReader(depot, *service).refresh();
  ASSERT_TRUE(set) << explain(set.error());
  const model::Target& entry = (*set->targets())->targets.at(kBrake2);
  const model::Target image = test::entry_for("brake 2", {HardwareId("brake-mk4")}, 2);
  EXPECT_EQ(entry.length, image.length);
  EXPECT_EQ(entry.hashes, image.hashes);
  EXPECT_EQ(*entry.custom.find("mustMatch"), *image.custom.find("mustMatch"));
  EXPECT_EQ(entry.ecus().value(),
            (std::map<EcuSerial, HardwareId>{{EcuSerial("BRAKE"), HardwareId("brake-mk4")}}));
}

TEST(DirectorService, KeepsTheSetBeforeUntilTheNext) {  // DIR-5
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  const Bytes first = service->metadata(kVin, "1.targets.json").value();
  depot.clock.time += std::chrono::hours(20);
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  EXPECT_EQ(service->metadata(kVin, "1.targets.json").value(), first);
  EXPECT_TRUE(service->metadata(kVin, "1.snapshot.json"));
  EXPECT_TRUE(service->metadata(kVin, "2.targets.json"));
  depot.clock.time += std::chrono::hours(20);
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  EXPECT_FALSE(service->metadata(kVin, "1.targets.json"));
  EXPECT_TRUE(service->metadata(kVin, "2.targets.json"));
  EXPECT_TRUE(service->metadata(kVin, "3.targets.json"));
}

TEST(DirectorService, ListsFactoryImageOnceItIsPublished) {  // DIR-45
  Depot depot;
  depot.add_vehicle();
  const std::string factory = "factory/brake-mk4/1.bin";
  depot.images.publish({{TargetName(factory), test::entry_for("brake-mk4 1", {HardwareId("brake-mk4")}, 1)},
                        {TargetName("factory/door-mk2/1.bin"),
                         test::entry_for("another build", {HardwareId("door-mk2")}, 1)}});
  const auto service = depot.open();
  EXPECT_EQ(DirectorReader(depot, *service).listed(), std::vector{factory})
      << "the door's factory image is another build than the one published under its name";
}

TEST(DirectorService, GivesNoFactoryImageBackWhereAnotherWasRunAndItsAssignmentEnded) {  // IMG-13
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  depot.images.publish(
      {{TargetName("factory/brake-mk4/1.bin"), test::entry_for("brake-mk4 1", {HardwareId("brake-mk4")}, 1)},
       {TargetName("brake.bin"), test::entry_for("other", {HardwareId("brake-mk4")}, 1)}});
  host::Db db = depot.database();
  ASSERT_TRUE(assign(db, depot.places().repo_dir, VehicleId("VIN-1"), EcuSerial("BRAKE"),
                     TargetName("brake.bin"), depot.clock.time));
  test::VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("brake.bin", "other");
  ASSERT_TRUE(service->accept_manifest(VehicleId("VIN-1"), voice.wire()));
  ASSERT_TRUE(
      storage::InventoryStore(db).end_assignment(VehicleId("VIN-1"), EcuSerial("BRAKE"), depot.clock.time));
  EXPECT_EQ(DirectorReader(depot, *service).listed(), std::vector<std::string>());
  EXPECT_FALSE(depot.vehicle().find(EcuSerial("BRAKE"))->reported->quarantined) << "it was given once";
}

TEST(DirectorService, NeverLetsFactoryImageTakeTheWayOfAnAssignment) {
  Depot depot;
  depot.add_vehicle();
  publish_brake_2(depot);
  assign_brake_2(depot);
  depot.images.publish({{kBrake2, test::entry_for("brake 2", {HardwareId("brake-mk4")}, 2)},
                        {TargetName("factory/brake-mk4/1.bin"),
                         test::entry_for("brake-mk4 1", {HardwareId("brake-mk4")}, 1)}});
  const auto service = depot.open();
  EXPECT_EQ(DirectorReader(depot, *service).listed(), std::vector{kBrake2.value()});
}

TEST(DirectorService, ReflashesNoQuarantinedEcuByItself) {  // DIR-27
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  VehicleVoice voice;
  voice.reports.at("BRAKE").says.installed = test::image("strange.bin", "strange");
  ASSERT_TRUE(service->accept_manifest(kVin, voice.wire()));
  depot.images.publish({{TargetName("factory/brake-mk4/1.bin"),
                         test::entry_for("brake-mk4 1", {HardwareId("brake-mk4")}, 1)}});
  EXPECT_TRUE(DirectorReader(depot, *service).listed().empty());
}

TEST(DirectorService, GoesOnListingAnImageThatWasWithdrawn) {  // DIR-45
  Depot depot;
  depot.add_vehicle();
  publish_brake_2(depot);
  assign_brake_2(depot);
  depot.images.publish({});
  const auto service = depot.open();
  EXPECT_EQ(DirectorReader(depot, *service).listed(), std::vector{kBrake2.value()});
}

TEST(DirectorService, ServesVehiclesWhileTheImageRepositoryCannotBeRead) {
  Depot depot;
  depot.add_vehicle();
  std::filesystem::remove_all(depot.places().repo_dir);
  const auto service = depot.open();
  const auto set = DirectorReader(depot, *service).refresh();
  EXPECT_TRUE(set) << explain(set.error());
}

TEST(DirectorService, SkipsVersionsThatASignerLeftUnused) {  // FMT-3, DIR-2
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  depot.targets_signer.broken = true;
  const auto failed = service->metadata(kVin, "timestamp.json");
  ASSERT_FALSE(failed);
  EXPECT_TRUE(is_fault(failed.error(), Fault::Kind::Denied));
  depot.targets_signer.broken = false;
  const auto set = DirectorReader(depot, *service).refresh();
  ASSERT_TRUE(set) << explain(set.error());
  EXPECT_EQ((*set->targets())->version.value(), 2U);
}

TEST(DirectorService, ServesTheOldSetWhileASignerIsGone) {
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  publish_brake_2(depot);
  assign_brake_2(depot);
  depot.targets_signer.broken = true;
  EXPECT_FALSE(service->metadata(kVin, "timestamp.json"));
  EXPECT_TRUE(service->metadata(kVin, "1.targets.json"));
  EXPECT_EQ(depot.count("director_set"), 1);
}

TEST(DirectorService, StoresNothingThatTheVehicleWouldRefuse) {
  Depot depot;
  depot.add_vehicle();
  test::NumberedSigner stranger(77);
  const auto service =
      DirectorService::open(depot.places(),
                            test::always({&stranger, &depot.keys.snapshot_key, &depot.keys.timestamp_key}),
                            depot.clock)
          .value();
  EXPECT_EQ(verdict(service->metadata(kVin, "timestamp.json")), "threshold-not-met");
  EXPECT_EQ(depot.count("director_set"), 0);
}

TEST(DirectorService, RefusesToSignUnderAnExpiredRoot) {  // VER-7
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  depot.clock.time += std::chrono::hours(24 * 400);
  EXPECT_EQ(verdict(service->metadata(kVin, "timestamp.json")), "root-expired");
}

TEST(DirectorService, SignsAnewUnderANewRoot) {  // VER-8
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  DirectorReader vehicle(depot, *service);
  ASSERT_TRUE(vehicle.refresh());
  depot.keys.rotate_timestamp_key(78);
  depot.write_roots();
  vehicle.timestamp.clear();  // forgotten: its key was rotated
  const auto set = vehicle.refresh();
  ASSERT_TRUE(set) << explain(set.error());
  EXPECT_EQ(set->root()->version.value(), 2U);
}

TEST(DirectorService, ServesEveryRootThatThereEverWas) {  // FMT-102
  Depot depot;
  depot.add_vehicle();
  for (std::uint8_t key = 78; key < 81; ++key) depot.keys.rotate_timestamp_key(key);
  depot.write_roots();
  const auto service = depot.open();
  depot.clock.time += std::chrono::hours(24 * 300);
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  for (std::size_t i = 0; i < depot.keys.roots().size(); ++i) {
    const auto root = service->metadata(kVin, std::to_string(i + 1) + ".root.json");
    ASSERT_TRUE(root) << explain(root.error());
    EXPECT_EQ(*root, depot.keys.roots()[i]);
  }
}

TEST(DirectorService, GoesOnWhereItWasAfterARestart) {  // DIR-2
  Depot depot;
  depot.add_vehicle();
  const Bytes first = depot.open()->metadata(kVin, "timestamp.json").value();
  const auto service = depot.open();
  EXPECT_EQ(service->metadata(kVin, "timestamp.json").value(), first);
}

TEST(DirectorService, RecordsEachResolutionOnce) {  // DIR-30
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  depot.clock.time += std::chrono::hours(20);
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  EXPECT_EQ(depot.count("resolution"), 1) << "renewed, and nothing else changed";
  publish_brake_2(depot);
  assign_brake_2(depot);
  ASSERT_TRUE(service->metadata(kVin, "timestamp.json"));
  EXPECT_EQ(depot.count("resolution"), 2);
}

TEST(DirectorService, SaysWhatIsMissingWhenThereIsNoRoot) {
  Depot depot;
  std::filesystem::remove(depot.places().director_dir / "1.root.json");
  const auto service = DirectorService::open(
      depot.places(),
      test::always({&depot.keys.targets_key, &depot.keys.snapshot_key, &depot.keys.timestamp_key}),
      depot.clock);
  ASSERT_FALSE(service);
  EXPECT_TRUE(is_fault(service.error(), Fault::Kind::NotFound)) << explain(service.error());
}

TEST(DirectorService, TakesOneOfManyEqualManifestsSentAtOnce) {  // DIR-26, ATK-42
  Depot depot;
  depot.add_vehicle();
  const auto service = depot.open();
  const auto second = depot.open();  // as another process: with a connection of its own
  const Bytes body = VehicleVoice().wire();
  std::atomic<int> accepted = 0;
  {
    const auto send_to = [&](DirectorService& director) {
      return std::jthread([&] {
        if (director.accept_manifest(kVin, body)) ++accepted;
      });
    };
    const auto senders = std::array{send_to(*service), send_to(*second), send_to(*service), send_to(*second)};
  }
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace cotter::app
