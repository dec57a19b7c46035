// What a wipe of the metadata does not reach, on real files: PRI-31, VER-8, INS-3.5, ATK-18.
#include <gtest/gtest.h>

#include <fstream>

#include "client/ecu/posix_ecu.h"
#include "client/ecu/provision.h"
#include "client/install/floor_records.h"
#include "client/install/state_folder.h"
#include "common/disk/posix_disk.h"
#include "common/json/canonical.h"
#include "tests/sim/whole_vehicle.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::client {

std::span<const host::Migration> migrations();

namespace {

namespace fs = std::filesystem;
using sim::WholeVehicle;

/// A vehicle that runs the second image everywhere.
struct VehicleBench {
  VehicleBench() {
    COTTER_ASSERT(vehicle.start());
    vehicle.release();
    COTTER_ASSERT(vehicle.cycle());
  }
  std::uint64_t floor(const char* ecu) {
    return vehicle.floors().floor(release_floor_of(EcuSerial(ecu)))->value_or(0);
  }
  std::string offer_older() {
    vehicle.release_as(1);
    const auto cycle = vehicle.cycle();
    if (!cycle) return "ended";
    return cycle->stopped ? test::verdict(Result<void>(fail(*cycle->stopped))) : "accepted";
  }
  WholeVehicle vehicle;
};

TEST(Wipe, OfThePrimarysDatabaseLowersNoFloor) {  // PRI-31, ATK-18
  VehicleBench bench;
  EXPECT_EQ(bench.floor("BRAKE"), 2U);
  bench.vehicle.stop();
  fs::remove_all(bench.vehicle.path("primary"));
  fs::create_directory(bench.vehicle.path("primary"));
  ASSERT_TRUE(bench.vehicle.start());
  for (const char* ecu : {"BRAKE", "DOOR", "GATEWAY"}) EXPECT_EQ(bench.floor(ecu), 2U) << ecu;
  // Nobody but the primary's own floor stands in the way here: the ECUs are not even asked.
  bench.vehicle.bus_carries = [](const std::string&, const wire::Request&) { return false; };
  EXPECT_EQ(bench.offer_older(), "match-release-counter-lower");
}

TEST(Wipe, OfThePrimarysDatabaseLetsNoManifestCounterGoBack) {  // DIR-26
  VehicleBench bench;
  bench.vehicle.stop();
  fs::remove_all(bench.vehicle.path("primary"));
  fs::create_directory(bench.vehicle.path("primary"));
  ASSERT_TRUE(bench.vehicle.start());
  ASSERT_TRUE(bench.vehicle.cycle());
  EXPECT_TRUE(bench.vehicle.refused.empty()) << bench.vehicle.refused.front();
}

TEST(Floor, ThatCannotBeReadKeepsThePrimaryFromUpdating) {
  for (const bool gone : {false, true}) {
    VehicleBench bench;
    for (const char* file : {"floors/floors.json", "floors/floors-copy.json"}) {
      fs::remove(bench.vehicle.path(file));
      if (!gone) std::ofstream(bench.vehicle.path(file)) << "{}";
    }
    const auto started = bench.vehicle.start();
    ASSERT_FALSE(started);
    EXPECT_NE(std::get<Fault>(started.error()).hint.find("renew-floors"), std::string::npos);
    // The workshop renews them; what the ECUs sign raises them again before anything is installed.
    ASSERT_TRUE(bench.vehicle.floors().begin_anew());
    ASSERT_TRUE(bench.vehicle.start());
    EXPECT_EQ(bench.floor("BRAKE"), 1U);
    EXPECT_EQ(bench.offer_older(), "match-release-counter-lower");
    EXPECT_EQ(bench.floor("BRAKE"), 2U);
  }
}

TEST(Floor, OfAPrimaryOfBeforeMovesOutOfItsDatabase) {
  const sim::TempDir dir;
  const fs::path file = dir.path() / "primary.db";
  {
    host::Db db = *host::Db::open(file);
    ASSERT_TRUE(host::migrate(db, migrations().first(1)));
    const std::string key = json::to_text(sim::SimKey("ecu/BRAKE").public_key().encode());
    ASSERT_TRUE(db.run("INSERT INTO ecu VALUES ('BRAKE', 'hw', ?1, 9)", {key}));
    ASSERT_TRUE(db.run("UPDATE counter SET reserved = 640"));
  }
  disk::PosixDisk disk;
  FloorFiles floors(disk, (dir.path() / "floors").string());
  {
    auto store = PrimaryStore::open(disk, file, floors);
    ASSERT_TRUE(store) << summary(store.error());
    EXPECT_EQ(store->ecus()->at(0).floor, ReleaseCounter(9));
    EXPECT_GT(*store->next_manifest_counter(), 640U);
  }
  EXPECT_TRUE(PrimaryStore::open(disk, file, floors));
  EXPECT_EQ(*floors.floor(release_floor_of(EcuSerial("BRAKE"))), 9U);
}

// A database of before that is gone took its floors along: that is no reason to begin at 0.
TEST(Floor, OfAPrimaryOfBeforeThatWasWipedIsMissed) {
  const sim::TempDir dir;
  disk::PosixDisk disk;
  FloorFiles floors(disk, (dir.path() / "floors").string());
  auto store = PrimaryStore::open(disk, dir.path() / "primary.db", floors);
  ASSERT_TRUE(store);
  EXPECT_FALSE(store->provision(
      {{EcuSerial("BRAKE"), HardwareId("hw"), sim::SimKey("ecu/BRAKE").public_key(), ReleaseCounter(1)}}));
}

// --- an ECU in its folder ----------------------------------------------------------------------------------

class EcuFolder : public testing::Test {
 protected:
  void SetUp() override {
    put("image.bin", to_bytes("factory image"));
    put("director-root.json", vehicle_.director.files.at("1.root.json"));
    put("image-root.json", vehicle_.image.files.at("1.root.json"));
    EcuOrder order;
    order.dir = ecu();
    order.vin = "VIN1";
    order.serial = "ecu1";
    order.hardware_id = "hw";
    order.director_root = dir_.path() / "director-root.json";
    order.image_root = dir_.path() / "image-root.json";
    order.image = dir_.path() / "image.bin";
    order.image_name = "team/ecu1/factory.bin";
    order.release_counter = 5;
    order.listen = "127.0.0.1:0";
    const auto made = provision_ecu(disk_, order);
    ASSERT_TRUE(made) << summary(made.error());
  }
  void put(const char* name, const Bytes& bytes) {
    std::ofstream(dir_.path() / name, std::ios::binary) << as_text(bytes);
  }
  [[nodiscard]] fs::path ecu() const { return dir_.path() / "ecu"; }
  [[nodiscard]] EcuConfig config() const { return *read_ecu_config(ecu() / "ecu.toml"); }
  Result<std::optional<std::uint64_t>> floor() {
    return FloorFiles(disk_, (ecu() / "floors").string()).floor(release_floor_of(EcuSerial("ecu1")));
  }
  /// The first word of what the ECU answers.
  std::string ask(const wire::Request& request) {
    const auto open = PosixEcu::open(disk_, clock_, config());
    if (!open) return summary(open.error());
    const wire::Reply reply = (*open)->core().handle(request);
    if (const auto* failed = std::get_if<wire::Failed>(&reply)) return failed->detail;
    return std::holds_alternative<wire::Report>(reply) ? "report" : "something else";
  }
  disk::PosixDisk disk_;
  sim::TempDir dir_;
  sim::VehicleSim vehicle_{"VIN1"};
  sim::SteppedClock clock_{vehicle_.now};
};

TEST_F(EcuFolder, KeepsItsFloorThroughAWipe) {  // PRI-31, ATK-18
  fs::remove_all(ecu() / "metadata");
  fs::create_directory(ecu() / "metadata");
  fs::remove_all(ecu() / "state");
  fs::create_directory(ecu() / "state");
  EXPECT_EQ(ask(wire::ReportRequest{}), "report");
  EXPECT_EQ(*floor(), 5U);
}

TEST_F(EcuFolder, WithoutItsFloorRunsAndReportsAndTakesNothing) {
  fs::remove_all(ecu() / "floors");
  EXPECT_EQ(ask(wire::ReportRequest{}), "report");
  EXPECT_NE(ask(wire::MetadataOffer{}).find("no rollback floors"), std::string::npos);
  EXPECT_FALSE(floor()) << "and makes none out of what it finds";
}

TEST_F(EcuFolder, GetsAFloorAnewFromAWorkshopAlone) {
  EXPECT_FALSE(renew_floor(disk_, config(), ReleaseCounter(1))) << "it can be read";
  EXPECT_EQ(*floor(), 5U);
  fs::remove_all(ecu() / "floors");
  const auto renewed = renew_floor(disk_, config(), ReleaseCounter(3));
  ASSERT_TRUE(renewed) << summary(renewed.error());
  EXPECT_EQ(*renewed, ReleaseCounter(5)) << "no lower than what was confirmed";
  EXPECT_EQ(*floor(), 5U);
  EXPECT_EQ(ask(wire::MetadataOffer{}), "something else");
}

TEST_F(EcuFolder, OfBeforeHandsItsFloorOver) {
  fs::remove_all(ecu() / "floors");
  std::ofstream(ecu() / "state/floor.json") << "{\"release_counter\":8}\n";
  EXPECT_EQ(ask(wire::ReportRequest{}), "report");
  EXPECT_EQ(*floor(), 8U);
  EXPECT_FALSE(fs::exists(ecu() / "state/floor.json"));
}

TEST_F(EcuFolder, NamesAPlaceForFloorsThatItDoesNotKnow) {
  std::ifstream in(ecu() / "ecu.toml");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.replace(text.find("file:floors"), 11, "cloud:floors");
  std::ofstream(ecu() / "ecu.toml") << text;
  const auto read = read_ecu_config(ecu() / "ecu.toml");
  ASSERT_FALSE(read);
  EXPECT_NE(summary(read.error()).find("floor.store"), std::string::npos);
}

}  // namespace
}  // namespace cotter::client
