// SQLite on a disk whose power goes at every change. VER-ATOM.
#include <gtest/gtest.h>

#include "common/disk/posix_disk.h"
#include "common/host/sqlite.h"
#include "tests/sim/memory_disk.h"
#include "tests/sim/temp_dir.h"

namespace cotter::host {
namespace {

using sim::MemoryDisk;
using sim::Torn;

constexpr Migration kSchema[] = {{"0001_pairs",
                                  "CREATE TABLE pair (a INTEGER, b INTEGER) STRICT;"
                                  "INSERT INTO pair VALUES (0, 0);"}};
constexpr const char* kFile = "state/test.db";

MemoryDisk empty_disk() {
  MemoryDisk disk;
  EXPECT_TRUE(disk.make_folder("state", disk::kPublicFolder));
  disk.restart(Torn::Everything);
  return disk;
}

Result<void> count_up(disk::Disk& disk, std::int64_t to) {
  Db db = TRY(Db::open(disk, kFile, kSchema));
  Transaction transaction = TRY(Transaction::begin(db));
  TRY(db.run("UPDATE pair SET a = ?1", {to}));
  TRY(db.run("UPDATE pair SET b = ?1", {to}));
  return transaction.commit();
}

Result<std::pair<std::int64_t, std::int64_t>> pair_on(disk::Disk& disk) {
  Db db = TRY(Db::open(disk, kFile, kSchema));
  Statement row = TRY(db.query("SELECT a, b FROM pair"));
  TRY(row.step());
  return std::pair(row.integer(0), row.integer(1));
}

TEST(DatabaseOnADisk, KeepsWhatWasCommittedBetweenRuns) {
  MemoryDisk disk = empty_disk();
  for (std::int64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(count_up(disk, i));
    disk.restart(Torn::Nothing);
    EXPECT_EQ(*pair_on(disk), std::pair(i, i));
  }
}

TEST(DatabaseOnADisk, SurvivesAPowerCutAtEveryChange) {
  for (const std::int64_t runs_before : {0, 2}) {
    MemoryDisk before = empty_disk();
    for (std::int64_t i = 1; i <= runs_before; ++i) ASSERT_TRUE(count_up(before, i));
    before.restart(Torn::Nothing);
    bool finished = false;
    for (std::uint64_t changes = 0; !finished; ++changes) {
      MemoryDisk cut = before;
      cut.cut_power_after(changes);
      finished = count_up(cut, 9).has_value();
      for (const Torn torn : sim::kEveryTorn) {
        MemoryDisk disk = cut;
        disk.restart(torn);
        const auto pair = pair_on(disk);
        ASSERT_TRUE(pair) << changes << ": " << summary(pair.error());
        EXPECT_EQ(pair->first, pair->second) << changes;
        EXPECT_TRUE(pair->first == 9 || (pair->first == runs_before && !finished)) << changes;
        ASSERT_TRUE(count_up(disk, 10)) << changes;
      }
    }
  }
}

TEST(DatabaseOnADisk, CostsOneSyncACommitOnceItsJournalIsThere) {
  MemoryDisk disk = empty_disk();
  Db db = std::move(*Db::open(disk, kFile, kSchema));
  EXPECT_EQ(disk.syncs(), 2U);  // made whole: its bytes, and its name
  ASSERT_TRUE(db.run("UPDATE pair SET a = 1"));
  const std::uint64_t before = disk.syncs();
  for (std::int64_t i = 0; i < 10; ++i) ASSERT_TRUE(db.run("UPDATE pair SET a = ?1", {i}));
  EXPECT_EQ(disk.syncs() - before, 10U);
}

TEST(DatabaseOnADisk, BelongsToOneProgramAtATime) {
  const sim::TempDir dir;
  disk::PosixDisk disk;
  const auto first = Db::open(disk, dir.path() / "test.db", kSchema);
  ASSERT_TRUE(first);
  const auto second = Db::open(disk, dir.path() / "test.db", kSchema);
  ASSERT_FALSE(second);
  EXPECT_TRUE(is_fault(second.error(), Fault::Kind::Busy)) << summary(second.error());
}

TEST(DatabaseOnADisk, TakesOverOneThatWasSharedBefore) {
  const sim::TempDir dir;
  disk::PosixDisk disk;
  {
    Db shared = std::move(*Db::open(dir.path() / "test.db"));
    ASSERT_TRUE(migrate(shared, kSchema));
    ASSERT_TRUE(shared.run("UPDATE pair SET a = 7"));
  }
  Db db = std::move(*Db::open(disk, dir.path() / "test.db", kSchema));
  Statement row = std::move(*db.query("SELECT a FROM pair"));
  ASSERT_TRUE(*row.step());
  EXPECT_EQ(row.integer(0), 7);
}

}  // namespace
}  // namespace cotter::host
