#include "common/host/sqlite.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "common/disk/posix_disk.h"
#include "tests/sim/small_disk.h"
#include "tests/sim/temp_dir.h"

namespace cotter::host {
namespace {

class Sqlite : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file() const { return temp_.path() / "test.db"; }
  [[nodiscard]] Db open() const {
    auto db = Db::open(file());
    EXPECT_TRUE(db) << explain(db.error());
    return *std::move(db);
  }
  static std::int64_t number(Db& db, std::string_view sql) {
    auto row = db.query(sql);
    EXPECT_TRUE(row && *row->step());
    return row->integer(0);
  }

 private:
  sim::TempDir temp_;
};

TEST_F(Sqlite, OpensPrivateFileWithWalForeignKeysAndFullSync) {
  Db db = open();
  ASSERT_TRUE(db.exec("CREATE TABLE t (n INTEGER) STRICT"));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((file().string() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << suffix;
  }
  auto mode = db.query("PRAGMA journal_mode");
  ASSERT_TRUE(*mode->step());
  EXPECT_EQ(mode->text(0), "wal");
  EXPECT_EQ(number(db, "PRAGMA foreign_keys"), 1);
  EXPECT_EQ(number(db, "PRAGMA synchronous"), 2);
}

/// Whether this process holds SQLite's shared lock on the file, as any other process sees it.
bool holds_lock(const std::filesystem::path& file) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000002;  // "Database File Locking" of SQLite's os.h
    lock.l_len = 510;
    ::_exit(::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
  }
  int status = 1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status == 0;
}

TEST_F(Sqlite, KeepsItsLockWhenTheSameProcessOpensTheFileAgain) {
  Db first = open();
  ASSERT_TRUE(first.exec("CREATE TABLE t (n INTEGER) STRICT"));
  ASSERT_TRUE(holds_lock(file()));
  {
    const Db second = open();
    EXPECT_TRUE(holds_lock(file()));
  }
  EXPECT_TRUE(holds_lock(file()));
}

TEST_F(Sqlite, GivesBackWhatWasBound) {
  Db db = open();
  ASSERT_TRUE(
      db.exec("CREATE TABLE t (i INTEGER, s TEXT, e TEXT NOT NULL, b BLOB, z BLOB NOT NULL, n TEXT) STRICT"));
  const Bytes blob{0, 1, 0xFF};
  const std::string text("a\0b'; DROP TABLE t", 18);
  ASSERT_TRUE(
      db.run("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
             {std::int64_t{-7}, text, std::string_view(), blob, Bytes(), std::optional<std::string>()}));
  EXPECT_EQ(db.changes(), 1);
  auto row = db.query("SELECT * FROM t");
  ASSERT_TRUE(*row->step());
  EXPECT_EQ(row->integer(0), -7);
  EXPECT_EQ(row->text(1), text);
  EXPECT_EQ(row->text(2), "");
  EXPECT_FALSE(row->is_null(2));
  EXPECT_EQ(row->blob(3), blob);
  EXPECT_FALSE(row->is_null(4));
  EXPECT_TRUE(row->is_null(5));
  EXPECT_FALSE(*row->step());
}

TEST_F(Sqlite, KeepsWhatItIsAskedForWhateverBecomesOfTheCallersOwn) {
  Db db = open();
  std::string text(100, 'a');
  Bytes blob(100, 1);
  auto row = db.query("SELECT ?1, ?2", {text, blob});
  text.assign(100, 'b');
  blob.assign(100, 2);
  ASSERT_TRUE(row && *row->step());
  EXPECT_EQ(row->text(0), std::string(100, 'a'));
  EXPECT_EQ(row->blob(1), Bytes(100, 1));
}

TEST_F(Sqlite, RunsOnePreparedStatementManyTimes) {
  Db db = open();
  ASSERT_TRUE(db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT"));
  auto insert = db.prepare("INSERT INTO t VALUES (?1)");
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(insert->run({i}));
  EXPECT_EQ(number(db, "SELECT sum(n) FROM t"), 6);
  EXPECT_EQ(db.last_insert_id(), 3);
}

TEST_F(Sqlite, CallsABrokenConstraintAConflict) {
  Db db = open();
  ASSERT_TRUE(db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES (1)"));
  const auto again = db.run("INSERT INTO t VALUES (?1)", {1});
  ASSERT_FALSE(again);
  EXPECT_TRUE(is_fault(again.error(), Fault::Kind::Conflict));
}

TEST_F(Sqlite, SaysBusyWhileAnotherWrites) {
  Db one = open();
  Db two = open();
  ASSERT_TRUE(two.exec("PRAGMA busy_timeout = 0"));
  const auto writing = Transaction::begin(one);
  ASSERT_TRUE(writing);
  const auto also = Transaction::begin(two);
  ASSERT_FALSE(also);
  EXPECT_TRUE(is_fault(also.error(), Fault::Kind::Busy)) << explain(also.error());
}

TEST_F(Sqlite, RollsBackUnlessCommitted) {
  Db db = open();
  ASSERT_TRUE(db.exec("CREATE TABLE t (n INTEGER) STRICT"));
  {
    auto transaction = Transaction::begin(db);
    EXPECT_TRUE(db.in_transaction());
    ASSERT_TRUE(db.run("INSERT INTO t VALUES (1)"));
  }
  EXPECT_FALSE(db.in_transaction());
  EXPECT_EQ(number(db, "SELECT count(*) FROM t"), 0);
  auto transaction = Transaction::begin(db);
  ASSERT_TRUE(db.run("INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(transaction->commit());
  EXPECT_EQ(number(db, "SELECT count(*) FROM t"), 1);
}

TEST_F(Sqlite, SaysWhatIsNoDatabaseAndWhatIsNotThere) {
  std::ofstream(file()) << std::string(4096, 'x');
  const auto junk = Db::open(file());
  ASSERT_FALSE(junk);
  EXPECT_TRUE(is_fault(junk.error(), Fault::Kind::Io)) << explain(junk.error());
  const auto nowhere = Db::open(file().parent_path() / "no" / "such.db");
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(is_fault(nowhere.error(), Fault::Kind::NotFound));
}

TEST_F(Sqlite, SaysNoSpaceOnAFullDiskAndKeepsWhatWasThere) {
  const sim::SmallDisk disk("400k");
  if (!disk.mounted()) GTEST_SKIP() << "this machine does not let us mount a small disk";
  auto db = Db::open(disk.path() / "test.db");
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->exec("CREATE TABLE t (b BLOB) STRICT"));
  Result<void> inserted;
  const Bytes block(16384);
  for (int i = 0; i < 100 && inserted; ++i) inserted = db->run("INSERT INTO t VALUES (?1)", {block});
  ASSERT_FALSE(inserted);
  EXPECT_TRUE(is_fault(inserted.error(), Fault::Kind::NoSpace)) << explain(inserted.error());
  EXPECT_GT(number(*db, "SELECT count(*) FROM t"), 0);
}

constexpr std::array<Migration, 2> kTwo{
    {{"0001_a", "CREATE TABLE a (n INTEGER) STRICT;"},
     {"0002_b", "CREATE TABLE b (n INTEGER) STRICT; INSERT INTO b VALUES (1);"}}};

TEST_F(Sqlite, AppliesEachMigrationOnce) {
  Db db = open();
  ASSERT_TRUE(migrate(db, std::span(kTwo).first(1)));
  ASSERT_TRUE(db.run("INSERT INTO a VALUES (7)"));
  ASSERT_TRUE(migrate(db, kTwo));
  ASSERT_TRUE(migrate(db, kTwo));
  EXPECT_EQ(number(db, "PRAGMA user_version"), 2);
  EXPECT_EQ(number(db, "SELECT n FROM a"), 7);
  EXPECT_EQ(number(db, "SELECT count(*) FROM b"), 1);
}

TEST_F(Sqlite, LeavesADatabaseOfALaterProgramAlone) {
  Db db = open();
  ASSERT_TRUE(migrate(db, kTwo));
  const auto older = migrate(db, std::span(kTwo).first(1));
  ASSERT_FALSE(older);
  EXPECT_TRUE(is_fault(older.error(), Fault::Kind::Conflict));
}

TEST_F(Sqlite, UndoesAMigrationThatFails) {
  Db db = open();
  constexpr std::array<Migration, 2> kBroken{{kTwo[0], {"0002_broken", "CREATE TABLE c (n) STRICT;"}}};
  ASSERT_FALSE(migrate(db, kBroken));
  EXPECT_EQ(number(db, "PRAGMA user_version"), 0);
  EXPECT_EQ(number(db, "SELECT count(*) FROM sqlite_schema"), 0);
  EXPECT_TRUE(migrate(db, kTwo));
}

TEST_F(Sqlite, TellsADamagedFileFromASoundOne) {
  disk::PosixDisk disk;
  EXPECT_FALSE(*is_damaged(disk, file())) << "there is none yet";
  {
    Db db = open();
    ASSERT_TRUE(db.exec("CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB) STRICT"));
    for (int n = 0; n < 50; ++n) ASSERT_TRUE(db.run("INSERT INTO t VALUES (?1, ?2)", {n, Bytes(1000, 'x')}));
  }
  EXPECT_FALSE(*is_damaged(disk, file()));
  std::fstream(file(), std::ios::in | std::ios::out | std::ios::binary).seekp(4096) << std::string(8192, 'z');
  EXPECT_TRUE(*is_damaged(disk, file()));
  std::ofstream(file()) << "this is no database at all, and long enough to be looked at as one";
  EXPECT_TRUE(*is_damaged(disk, file()));
}

TEST_F(Sqlite, SetsADamagedFileAsideWithItsLog) {
  disk::PosixDisk disk;
  for (const char* suffix : {"", "-wal", "-shm"}) std::ofstream(file().string() + suffix) << "rubbish";
  ASSERT_TRUE(set_aside(disk, file()));
  for (const char* suffix : {"", "-wal", "-shm"})
    EXPECT_FALSE(std::filesystem::exists(file().string() + suffix));
  EXPECT_TRUE(std::filesystem::exists(file().string() + ".damaged"));
  Db db = open();
  EXPECT_EQ(number(db, "SELECT count(*) FROM sqlite_schema"), 0);
}

}  // namespace
}  // namespace cotter::host
