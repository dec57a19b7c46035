#include "common/host/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>

#include "tests/sim/small_disk.h"
#include "tests/sim/temp_dir.h"

namespace cotter::host {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  const auto bytes = read_file(path, 1024 * 1024);
  return bytes ? std::string(as_text(*bytes)) : "(" + summary(bytes.error()) + ")";
}

std::size_t entries_in(const fs::path& dir) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

TEST(AtomicFile, ReplacesTheWholeContentAndLeavesNothingBeside) {
  const sim::TempDir dir;
  const fs::path file = dir.path() / "file";
  ASSERT_TRUE(write_atomically(file, as_bytes("the old and longer content")));
  ASSERT_TRUE(write_atomically(file, as_bytes("new")));
  EXPECT_EQ(content_of(file), "new");
  EXPECT_EQ(entries_in(dir.path()), 1U);
}

TEST(AtomicFile, HasExactlyTheModeAskedForWhateverTheUmask) {
  const sim::TempDir dir;
  const mode_t before = ::umask(0077);
  ASSERT_TRUE(write_atomically(dir.path() / "public", as_bytes("x")));
  ASSERT_TRUE(make_dir(dir.path() / "folder"));
  ::umask(0);
  ASSERT_TRUE(write_atomically(dir.path() / "secret", as_bytes("x"), kSecretFile));
  ASSERT_TRUE(make_dir(dir.path() / "secrets", kSecretDir));
  ::umask(before);
  EXPECT_EQ(mode_of(dir.path() / "public"), 0644U);
  EXPECT_EQ(mode_of(dir.path() / "folder"), 0755U);
  EXPECT_EQ(mode_of(dir.path() / "secret"), 0600U);
  EXPECT_EQ(mode_of(dir.path() / "secrets"), 0700U);
}

TEST(AtomicFile, CreatingRefusesToReplace) {
  const sim::TempDir dir;
  const fs::path file = dir.path() / "file";
  ASSERT_TRUE(create_atomically(file, as_bytes("first")));
  const auto second = create_atomically(file, as_bytes("second"));
  ASSERT_FALSE(second);
  EXPECT_TRUE(is_fault(second.error(), Fault::Kind::Conflict));
  EXPECT_EQ(content_of(file), "first");
  EXPECT_EQ(entries_in(dir.path()), 1U);
}

TEST(AtomicFile, FullDiskKeepsTheOldContentAndSaysSo) {
  const sim::SmallDisk disk("64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  const fs::path file = disk.path() / "file";
  ASSERT_TRUE(write_atomically(file, as_bytes("old")));
  disk.fill();
  const auto written = write_atomically(file, Bytes(128 * 1024));
  ASSERT_FALSE(written);
  EXPECT_TRUE(is_fault(written.error(), Fault::Kind::NoSpace)) << summary(written.error());
  EXPECT_NE(summary(written.error()).find(file.string()), std::string::npos);
  EXPECT_EQ(content_of(file), "old");
  EXPECT_EQ(entries_in(disk.path()), 2U) << "the file and the filler";
}

TEST(AtomicFile, ForeignFolderIsDeniedAndMissingOneNotFound) {
  const sim::TempDir dir;
  const auto missing = write_atomically(dir.path() / "no" / "file", as_bytes("x"));
  ASSERT_FALSE(missing);
  EXPECT_TRUE(is_fault(missing.error(), Fault::Kind::NotFound));
  ASSERT_EQ(::chmod(dir.path().c_str(), 0555), 0);
  std::optional<Result<void>> denied;
  {
    const sim::AsNobody nobody;
    denied = write_atomically(dir.path() / "file", as_bytes("x"));
  }
  ASSERT_FALSE(*denied);
  EXPECT_TRUE(is_fault(denied->error(), Fault::Kind::Denied)) << summary(denied->error());
}

TEST(AtomicFile, ReadingHasALimitAndTakesRegularFilesOnly) {
  const sim::TempDir dir;
  const fs::path file = dir.path() / "file";
  ASSERT_TRUE(write_atomically(file, Bytes(100)));
  EXPECT_TRUE(read_file(file, 100));
  const auto too_long = read_file(file, 99);
  ASSERT_FALSE(too_long);
  EXPECT_TRUE(is_fault(too_long.error(), Fault::Kind::Io));
  EXPECT_TRUE(is_fault(read_file(dir.path() / "missing", 1).error(), Fault::Kind::NotFound));
  EXPECT_TRUE(is_fault(read_file(dir.path(), 1).error(), Fault::Kind::Io));
  ASSERT_EQ(::mkfifo((dir.path() / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(is_fault(read_file(dir.path() / "pipe", 1).error(), Fault::Kind::Io)) << "and does not hang";
}

TEST(FileLock, HasOneOwnerAtATime) {
  const sim::TempDir dir;
  const fs::path file = dir.path() / "lock";
  {
    const auto first = FileLock::acquire(file);
    ASSERT_TRUE(first);
    const auto second = FileLock::acquire(file);
    ASSERT_FALSE(second);
    EXPECT_TRUE(is_fault(second.error(), Fault::Kind::Busy));
  }
  EXPECT_TRUE(FileLock::acquire(file));
}

}  // namespace
}  // namespace cotter::host
