// Floors as records and files: PRI-31, VER-8 (what no deletion reaches), VER-REC.
#include "client/install/floor_records.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "client/install/slot_records.h"
#include "common/disk/posix_disk.h"
#include "tests/sim/ecu_sim.h"
#include "tests/sim/temp_dir.h"

namespace cotter::client {
namespace {

using sim::Flash;

const FloorName kFlashFloor("release/ecu1");
constexpr std::array kCopies{"floors", "floors-copy"};

struct FloorBench {
  FloorBench() {
    COTTER_ASSERT(floors.begin_anew());
    COTTER_ASSERT(floors.raise(kFlashFloor, 7));
  }
  [[nodiscard]] std::uint64_t floor() const { return floors.floor(kFlashFloor)->value(); }
  Flash flash;
  FloorRecords floors{flash, "the flash"};
};

Fault::Kind kind_of(const Error& error) { return std::get<Fault>(error).kind; }

TEST(Floors, OnlyRise) {
  FloorBench bench;
  ASSERT_TRUE(bench.floors.raise(kFlashFloor, 6));
  EXPECT_EQ(bench.floor(), 7U);
  ASSERT_TRUE(bench.floors.raise(kFlashFloor, 9));
  EXPECT_EQ(bench.floor(), 9U);
  EXPECT_FALSE(*bench.floors.floor(FloorName("release/ecu2")));
}

TEST(Floors, WriteNothingWhereNothingRises) {
  FloorBench bench;
  bench.flash.cut_power_after(0);
  bench.flash.restore_power();
  const auto before = bench.flash.records;
  ASSERT_TRUE(bench.floors.raise(kFlashFloor, 7));
  EXPECT_EQ(bench.flash.records, before);
}

// VER-REC: one copy may be spoilt in any way; the next raise makes it whole.
TEST(Floors, OutliveTheLossOfOneCopy) {
  for (const char* copy : kCopies) {
    const FloorBench whole;
    const Bytes good = whole.flash.records.at(copy);
    FloorBench older;
    ASSERT_TRUE(older.floors.raise(kFlashFloor, 7));
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
      FloorBench bench;
      bench.flash.records[copy] = Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut));
      ASSERT_EQ(bench.floor(), 7U) << copy << " cut to " << cut;
      bench.flash.records[copy] = good;
      bench.flash.records[copy][cut] ^= 1;
      ASSERT_EQ(bench.floor(), 7U) << copy << " flipped at " << cut;
    }
    FloorBench bench;
    bench.flash.records.erase(copy);
    EXPECT_EQ(bench.floor(), 7U);
    ASSERT_TRUE(bench.floors.raise(kFlashFloor, 3));
    EXPECT_EQ(bench.flash.records.at(kCopies[0]), bench.flash.records.at(kCopies[1])) << "made whole";
    EXPECT_EQ(bench.floor(), 7U);
  }
}

TEST(Floors, BelieveNoCopyThatAFlippedBitHasRaised) {
  for (const char* copy : kCopies) {
    FloorBench bench;
    ASSERT_TRUE(bench.floors.raise(kFlashFloor, 16));
    std::string text(as_text(bench.flash.records.at(copy)));
    text.replace(text.find(":16"), 3, ":56");
    bench.flash.records[copy] = to_bytes(text);
    EXPECT_EQ(bench.floor(), 16U);
  }
}

TEST(Floors, TakeTheHigherOfTwoCopiesThatDiffer) {
  for (const char* copy : kCopies) {
    FloorBench bench;
    const Bytes old = bench.flash.records.at(copy);
    ASSERT_TRUE(bench.floors.raise(kFlashFloor, 9));
    ASSERT_TRUE(bench.floors.raise(FloorName("release/ecu2"), 4));
    bench.flash.records[copy] = old;
    EXPECT_EQ(bench.floor(), 9U);
    EXPECT_EQ(*bench.floors.floor(FloorName("release/ecu2")), 4U);
  }
}

TEST(Floors, WithoutAnyWholeCopyAreAFaultAndNever0) {
  FloorBench bench;
  for (const char* copy : kCopies) bench.flash.records[copy] = to_bytes("{\"floors\":{}}");
  ASSERT_FALSE(bench.floors.floor(kFlashFloor));
  EXPECT_EQ(kind_of(bench.floors.floor(kFlashFloor).error()), Fault::Kind::Io);
  EXPECT_NE(std::get<Fault>(bench.floors.floor(kFlashFloor).error()).hint, "");
  EXPECT_FALSE(bench.floors.raise(kFlashFloor, 9)) << "a raise must not make a floor out of nothing";
  for (const char* copy : kCopies) bench.flash.records.erase(copy);
  EXPECT_EQ(kind_of(bench.floors.floor(kFlashFloor).error()), Fault::Kind::NotFound);
  EXPECT_EQ(kind_of(bench.floors.raise(kFlashFloor, 9).error()), Fault::Kind::NotFound);
}

TEST(Floors, AreBegunAnewOnlyWhereNoneCanBeRead) {
  FloorBench bench;
  bench.flash.records.erase(kCopies[0]);
  EXPECT_EQ(kind_of(bench.floors.begin_anew().error()), Fault::Kind::Conflict);
  EXPECT_EQ(bench.floor(), 7U);
  bench.flash.records[kCopies[1]] = Bytes();
  ASSERT_TRUE(bench.floors.begin_anew());
  EXPECT_FALSE(*bench.floors.floor(kFlashFloor));
}

TEST(Floors, ArePowerCutProofAtEveryWrite) {
  for (int cut = 0; cut < 2; ++cut) {
    FloorBench bench;
    bench.flash.cut_power_after(cut);
    EXPECT_FALSE(bench.floors.raise(kFlashFloor, 9));
    bench.flash.restore_power();
    EXPECT_EQ(bench.floor(), cut == 0 ? 7U : 9U);
    ASSERT_TRUE(bench.floors.raise(kFlashFloor, 9));
    EXPECT_EQ(bench.floor(), 9U);
  }
}

TEST(Floors, AreTwoFilesInAFolderOfTheirOwn) {
  const sim::TempDir dir;
  const std::string folder = (dir.path() / "floors").string();
  disk::PosixDisk disk;
  FloorFiles floors(disk, folder);
  EXPECT_EQ(kind_of(floors.floor(kFlashFloor).error()), Fault::Kind::NotFound);
  ASSERT_TRUE(floors.begin_anew());
  ASSERT_TRUE(floors.raise(kFlashFloor, 7));
  EXPECT_EQ(*FloorFiles(disk, folder).floor(kFlashFloor), 7U);
  std::filesystem::resize_file(folder + "/floors.json", 3);
  EXPECT_EQ(*FloorFiles(disk, folder).floor(kFlashFloor), 7U);
  std::filesystem::remove(folder + "/floors-copy.json");
  EXPECT_EQ(kind_of(FloorFiles(disk, folder).floor(kFlashFloor).error()), Fault::Kind::Io);
}

// DIR-26: an older record, or none, gives no number twice.
TEST(ReservedCounter, NeverGivesANumberTwice) {
  FloorBench bench;
  std::uint64_t last = 0;
  for (int start = 0; start < 3; ++start) {
    ReservedCounter counter(bench.floors, FloorName("manifests"));
    for (int i = 0; i < 3000; ++i) {
      const auto next = counter.next();
      ASSERT_TRUE(next);
      ASSERT_GT(*next, last);
      last = *next;
    }
  }
  ReservedCounter counter(bench.floors, FloorName("manifests"));
  EXPECT_EQ(*counter.next(1'000'000), 1'000'001U);
}

// VER-REC: an ECU says what it runs after the loss of either copy.
TEST(ConfirmedImage, OutlivesTheLossOfOneCopy) {
  for (const char* copy : {"installed", "installed-copy"}) {
    FloorBench bench;
    SlotRecords records(bench.flash, {bench.floors, EcuSerial("ecu1")});
    ImageRecord record;
    record.image = {TargetName("team/ecu1/a.bin"), 1, crypto::Hashes::of(to_bytes("a"))};
    record.release_counter = ReleaseCounter(8);
    ASSERT_TRUE(records.confirm(record));
    const Bytes good = bench.flash.records.at(copy);
    for (std::size_t at = 0; at < good.size(); ++at) {
      bench.flash.records[copy][at] ^= 1;
      ASSERT_EQ(*records.confirmed(), record) << copy << " flipped at " << at;
      bench.flash.records[copy] = good;
    }
    bench.flash.records.erase(copy);
    EXPECT_EQ(*records.confirmed(), record);
  }
}

// --- an ECU of before kept its floor among its other records -----------------------------------------------

struct OldEcu {
  OldEcu() { flash.records["floor"] = to_bytes("{\"release_counter\":5}"); }
  Flash flash;
  FloorRecords floors{flash, "the flash"};
  SlotRecords records{flash, {floors, EcuSerial("ecu1")}};
};

TEST(OldFloor, MovesToWhereItBelongs) {
  OldEcu ecu;
  ASSERT_TRUE(ecu.records.settle_floor());
  EXPECT_EQ(*ecu.records.floor(), ReleaseCounter(5));
  EXPECT_FALSE(ecu.flash.records.contains("floor"));
}

TEST(OldFloor, IsLostAtNoPowerCutOnItsWay) {
  for (int cut = 0;; ++cut) {
    OldEcu ecu;
    ecu.flash.cut_power_after(cut);
    const bool done = ecu.records.settle_floor().has_value();
    ecu.flash.restore_power();
    ASSERT_TRUE(ecu.records.settle_floor());
    EXPECT_EQ(*ecu.records.floor(), ReleaseCounter(5)) << "cut after " << cut;
    if (done) break;
  }
}

TEST(OldFloor, ThatCannotBeReadGivesWayToTheConfirmedImages) {
  OldEcu ecu;
  ecu.flash.records["floor"] = to_bytes("{\"rel");
  ecu.flash.records["installed"] =
      to_bytes("{\"hashes\":{\"sha256\":\"" + std::string(64, 'a') +
               "\"},\"length\":3,\"name\":\"team/ecu1/a.bin\",\"release_counter\":6}");
  ASSERT_TRUE(ecu.records.settle_floor());
  EXPECT_EQ(*ecu.records.floor(), ReleaseCounter(6));
}

// A record put back from before cannot make a floor where there is none.
TEST(OldFloor, IsNotMadeOutOfAnInstalledImageAlone) {
  OldEcu ecu;
  ecu.flash.records.erase("floor");
  ASSERT_TRUE(ecu.records.settle_floor());
  EXPECT_FALSE(ecu.records.floor());
}

}  // namespace
}  // namespace cotter::client
