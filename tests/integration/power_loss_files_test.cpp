// The same where a test needs no whole vehicle: the factory, a long transfer, cotter-tuf's folders.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "client/install/ab_slot.h"
#include "client/install/floor_records.h"
#include "client/install/slot_files.h"
#include "client/install/state_folder.h"
#include "client/primary/provision.h"
#include "client/store/metadata_folder.h"
#include "client/store/target_folder.h"
#include "tests/sim/memory_disk.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/vehicle_sim.h"

namespace cotter::sim {
namespace {

// --- the factory ------------------------------------------------------------------------------------------

// However far it came: the folder is not there, or whole; and provisioning again makes it.
TEST(PowerLossInTheFactory, LeavesNoHalfMadePrimary) {
  VehicleSim vehicle("VIN1");
  const TempDir files;
  const auto put = [&](const char* name, ByteView bytes) {
    std::ofstream(files.path() / name, std::ios::binary) << as_text(bytes);
    return files.path() / name;
  };
  client::PrimaryOrder order;
  order.ecu.dir = "vehicle/primary";
  order.ecu.vin = "VIN1";
  order.ecu.serial = "GATEWAY";
  order.ecu.hardware_id = "hw";
  order.ecu.director_root = put("director.json", vehicle.director.files.at("1.root.json"));
  order.ecu.image_root = put("image.json", vehicle.image.files.at("1.root.json"));
  order.ecu.image = put("image.bin", as_bytes("factory image"));
  order.ecu.image_name = "team/hw/factory.bin";
  order.ecu.release_counter = 1;
  order.server = "https://localhost:1";
  order.ca = put("ca.crt", as_bytes("a certificate"));

  MemoryDisk factory;
  ASSERT_TRUE(factory.make_folder("vehicle", disk::kPublicFolder));
  factory.restart(Torn::Everything);
  MemoryDisk made = factory;
  ASSERT_TRUE(client::provision_primary(made, order));
  const std::vector<std::string> whole = made.paths();
  int cuts = 0;
  std::set<Bytes> seen;
  for (std::uint64_t changes = 0;; ++changes, ++cuts) {
    MemoryDisk cut = factory;
    cut.cut_power_after(changes);
    const bool finished = client::provision_primary(cut, order).has_value();
    for (const Torn torn : kEveryTorn) {
      MemoryDisk disk = cut;
      disk.restart(torn);
      if (!finished && !seen.insert(disk.fingerprint()).second) continue;
      if (!*disk.look_at("vehicle/primary")) {
        ASSERT_FALSE(finished);
        ASSERT_TRUE(client::provision_primary(disk, order)) << changes;
      }
      EXPECT_EQ(disk.paths(), whole) << "cut after change " << changes << ": " << name_of(torn);
      EXPECT_TRUE(client::load_ecu_key(disk, "vehicle/primary/ecu.key")) << changes;
      const client::FloorFiles floors(disk, "vehicle/primary/floors");
      const auto floor = floors.floor(client::release_floor_of(EcuSerial("GATEWAY")));
      ASSERT_TRUE(floor) << changes << ": " << summary(floor.error());
      EXPECT_EQ(*floor, 1U) << changes;
    }
    if (finished) break;
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
  std::printf("%d cut points\n", cuts);
  EXPECT_GT(cuts, 50);
}

// --- a long transfer --------------------------------------------------------------------------------------

/// What an ECU with two slots installs with.
struct SlotsOnDisk {
  explicit SlotsOnDisk(MemoryDisk& disk)
      : files(disk, "ecu"), state(disk, "ecu/state", ".json"), floors(disk, "ecu/floors") {}
  client::SlotFiles files;
  client::StateFolder state;
  client::FloorFiles floors;
  client::AbSlot slots{files, state, {floors, EcuSerial("ecu1")}};
};

/// Until the image runs; how much of it was taken is counted in `taken`.
Result<void> install(SlotsOnDisk& ecu, const trust::Assignment& assignment, std::string_view image,
                     std::uint64_t& taken) {
  constexpr std::size_t kPiece = 600'000;
  taken = TRY(ecu.slots.begin(client::Permit(assignment)));
  while (taken < image.size()) {
    const std::string_view piece = image.substr(taken, kPiece);
    TRY(ecu.slots.write(taken, as_bytes(piece)));
    taken += piece.size();
  }
  TRY(ecu.slots.finish());
  TRY(ecu.slots.activate());
  return {};
}

// What came before the last checkpoint need not come again, and what came since is not believed. INS-7
TEST(PowerLossOfALongTransfer, GoesOnFromWhatIsDurable) {
  constexpr std::uint64_t kCheckpoint = 1024 * 1024;
  const std::string image(2'200'000, 'n');
  VehicleSim vehicle("VIN1");
  const EcuOrder order = vehicle.order("ecu1", client::Verification::Full);
  vehicle.release(order, TargetName("team/ecu1/new.bin"), image, 2);
  const auto assignment = vehicle.assignment(order);
  ASSERT_TRUE(assignment);
  MemoryDisk before;
  ASSERT_TRUE(before.make_folder("ecu", disk::kPublicFolder));
  {
    client::FloorFiles floors(before, "ecu/floors");
    ASSERT_TRUE(floors.begin_anew());
    ASSERT_TRUE(client::lay_out_slots(before, "ecu", as_bytes("the old image"),
                                      TargetName("team/ecu1/old.bin"), ReleaseCounter(1), client::Slots::Two,
                                      {floors, EcuSerial("ecu1")}));
  }
  before.restart(Torn::Everything);
  bool went_on = false;
  for (std::uint64_t changes = 0;; ++changes) {
    MemoryDisk cut = before;
    cut.cut_power_after(changes);
    std::uint64_t taken = 0;
    SlotsOnDisk first(cut);
    const bool finished = install(first, *assignment, image, taken).has_value();
    for (const Torn torn : {Torn::Nothing, Torn::Half, Torn::EveryOther}) {
      const std::string when = "cut after change " + std::to_string(changes) + ": " + name_of(torn);
      MemoryDisk disk = cut;
      disk.restart(torn);
      SlotsOnDisk again(disk);
      ASSERT_TRUE(again.slots.recover()) << when;
      if (again.slots.running()->image.length != image.size()) {
        ASSERT_FALSE(finished) << when;
        const std::uint64_t there = *again.slots.begin(client::Permit(*assignment));
        EXPECT_TRUE(taken <= kCheckpoint || there > kCheckpoint) << when;
        went_on = went_on || (there > 0 && there < image.size());
        std::uint64_t taken_now = 0;
        const auto installed = install(again, *assignment, image, taken_now);
        ASSERT_TRUE(installed) << when << ": " << summary(installed.error());
      }
      EXPECT_TRUE(again.slots.running()->sound) << when;
    }
    if (finished) break;
  }
  EXPECT_TRUE(went_on);
}

// --- cotter-tuf's folders ---------------------------------------------------------------------------------

// VER-8, VER-ATOM: a new root and what it makes us forget.
TEST(PowerLossOfATufClient, NeverLosesAFloorUnderTheOldRoot) {
  MemoryDisk before;
  const RoleName& root = model::root_role();
  const RoleName& timestamp = model::timestamp_role();
  {
    client::MetadataFolder folder(before, Repository::Image, "metadata");
    ASSERT_TRUE(folder.pin(as_bytes("root 1")));
    ASSERT_TRUE(folder.commit(Repository::Image, std::vector<trust::Effect>{trust::Store{
                                                     timestamp, Version(1), to_bytes("timestamp 1")}}));
    before.restart(Torn::Everything);
  }
  const std::vector<trust::Effect> rotation{trust::Forget{timestamp},
                                            trust::Store{root, Version(2), to_bytes("root 2")}};
  for (std::uint64_t changes = 0;; ++changes) {
    MemoryDisk cut = before;
    cut.cut_power_after(changes);
    const bool finished = client::MetadataFolder(cut, Repository::Image, "metadata")
                              .commit(Repository::Image, rotation)
                              .has_value();
    for (const Torn torn : kEveryTorn) {
      MemoryDisk disk = cut;
      disk.restart(torn);
      client::MetadataFolder folder(disk, Repository::Image, "metadata");
      const auto stored = *folder.load(Repository::Image, root);
      const auto floor = *folder.load(Repository::Image, timestamp);
      ASSERT_TRUE(stored == to_bytes("root 1") || stored == to_bytes("root 2")) << changes << name_of(torn);
      EXPECT_TRUE(stored == to_bytes("root 2") || floor == to_bytes("timestamp 1"))
          << changes << name_of(torn);
      EXPECT_TRUE(!finished || (stored == to_bytes("root 2") && !floor)) << name_of(torn);
      ASSERT_TRUE(folder.commit(Repository::Image, rotation)) << changes << name_of(torn);
    }
    if (finished) break;
  }
}

TEST(PowerLossOfATufClient, ShowsTheOldTargetOrTheNew) {
  const auto publish = [](MemoryDisk& disk, std::string_view content) -> Result<void> {
    const auto folder = TRY(client::TargetFolder::open(disk, "deep/targets"));
    std::vector<client::IncomingTarget> targets;
    targets.push_back(TRY(folder.receive(TargetName("a"))));
    TRY(targets.back().write(as_bytes(content.substr(0, 2))));
    TRY(targets.back().write(as_bytes(content.substr(2))));
    return folder.publish(std::move(targets));
  };
  const auto target_of = [](std::string_view content) {
    model::Target target;
    target.length = content.size();
    target.hashes = crypto::Hashes::of(as_bytes(content));
    return target;
  };
  MemoryDisk before;
  ASSERT_TRUE(publish(before, "the old one"));
  before.restart(Torn::Nothing);  // publish() has made it durable
  for (std::uint64_t changes = 0;; ++changes) {
    MemoryDisk cut = before;
    cut.cut_power_after(changes);
    const bool finished = publish(cut, "the new one, longer").has_value();
    for (const Torn torn : kEveryTorn) {
      MemoryDisk disk = cut;
      disk.restart(torn);
      const auto folder = client::TargetFolder::open(disk, "deep/targets");
      ASSERT_TRUE(folder);
      const bool is_new = folder->has(TargetName("a"), target_of("the new one, longer"));
      EXPECT_TRUE(is_new || (!finished && folder->has(TargetName("a"), target_of("the old one"))))
          << changes << name_of(torn);
      EXPECT_EQ(disk.paths(), (std::vector<std::string>{"deep/", "deep/targets/", "deep/targets/a"}));
      ASSERT_TRUE(publish(disk, "the new one, longer")) << changes << name_of(torn);
    }
    if (finished) break;
  }
}

}  // namespace
}  // namespace cotter::sim
