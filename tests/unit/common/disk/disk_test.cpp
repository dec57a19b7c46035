// What every Disk does alike: the file system of this machine, and the one in memory whose power can be cut.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/disk/files.h"
#include "common/disk/posix_disk.h"
#include "tests/sim/memory_disk.h"
#include "tests/sim/temp_dir.h"

namespace cotter::disk {
namespace {

using sim::MemoryDisk;
using sim::Torn;

enum class Kind : std::uint8_t { Posix, Memory };

class EveryDisk : public ::testing::TestWithParam<Kind> {
 protected:
  EveryDisk() {
    if (GetParam() == Kind::Memory) base_ = "";
  }
  Disk& disk() { return GetParam() == Kind::Posix ? static_cast<Disk&>(posix_) : memory_; }
  [[nodiscard]] std::string at(const std::string& name) const { return base_ + name; }
  std::string content(const std::string& name) {
    const auto bytes = read_small_file(disk(), at(name), 1000);
    return bytes && *bytes ? std::string(as_text(**bytes)) : "nothing";
  }
  template <class T>
  static testing::AssertionResult is(Fault::Kind kind, const Result<T>& result) {
    if (!result && is_fault(result.error(), kind)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << (result ? "no failure" : summary(result.error()));
  }

 private:
  sim::TempDir dir_;
  std::string base_ = dir_.path().string() + "/";
  PosixDisk posix_;
  MemoryDisk memory_;
};

TEST_P(EveryDisk, WritesAndReadsWithinAFile) {
  auto file = disk().open(at("a"), Opening::MakeNew, kSecretFile);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(0, as_bytes("0123456789")));
  ASSERT_TRUE((*file)->write_at(12, as_bytes("c")));
  EXPECT_EQ(*(*file)->size(), 13U);
  EXPECT_EQ(*(*file)->read_at(8, 100), to_bytes(std::string("89\0\0c", 5)));
  EXPECT_EQ(*(*file)->read_at(50, 10), Bytes());
  ASSERT_TRUE((*file)->truncate(4));
  ASSERT_TRUE((*file)->sync());
  EXPECT_EQ(content("a"), "0123");
}

TEST_P(EveryDisk, OpensAsItIsTold) {
  EXPECT_TRUE(is(Fault::Kind::NotFound, disk().open(at("a"), Opening::Read, 0)));
  EXPECT_TRUE(is(Fault::Kind::NotFound, disk().open(at("a"), Opening::Write, 0)));
  EXPECT_TRUE(disk().open(at("a"), Opening::Make, kPublicFile));
  EXPECT_TRUE(is(Fault::Kind::Conflict, disk().open(at("a"), Opening::MakeNew, kPublicFile)));
  EXPECT_TRUE(disk().open(at("a"), Opening::Make, kPublicFile));
  ASSERT_TRUE(disk().make_folder(at("folder"), kPublicFolder));
  EXPECT_TRUE(is(Fault::Kind::Io, disk().open(at("folder"), Opening::Read, 0)));
  EXPECT_TRUE(is(Fault::Kind::NotFound, disk().open(at("no/a"), Opening::Make, kPublicFile)));
}

TEST_P(EveryDisk, NamesAndRenames) {
  ASSERT_TRUE(replace_file(disk(), at("a"), as_bytes("A")));
  ASSERT_TRUE(replace_file(disk(), at("b"), as_bytes("B")));
  ASSERT_TRUE(disk().rename(at("a"), at("b")));
  EXPECT_EQ(content("b"), "A");
  EXPECT_TRUE(is(Fault::Kind::NotFound, disk().rename(at("a"), at("c"))));
  ASSERT_TRUE(disk().make_folder(at("folder"), kPublicFolder));
  EXPECT_TRUE(is(Fault::Kind::Conflict, disk().make_folder(at("folder"), kPublicFolder)));
  ASSERT_TRUE(disk().rename(at("b"), at("folder/b")));
  EXPECT_EQ(*disk().list(at("folder")), std::vector<std::string>{"b"});
  EXPECT_TRUE(is(Fault::Kind::Conflict, disk().remove(at("folder"))));
  ASSERT_TRUE(disk().rename(at("folder"), at("moved")));
  EXPECT_EQ(content("moved/b"), "A");
  ASSERT_TRUE(remove_tree(disk(), at("moved")));
  EXPECT_FALSE(*disk().look_at(at("moved")));
  EXPECT_TRUE(is(Fault::Kind::NotFound, disk().remove(at("moved"))));
}

TEST_P(EveryDisk, LinksAreSeenAsLinks) {
  ASSERT_TRUE(disk().make_link(at("link"), "slots/a.bin"));
  EXPECT_EQ((*disk().look_at(at("link")))->kind, Entry::Kind::Link);
  EXPECT_EQ(*disk().read_link(at("link")), "slots/a.bin");
  EXPECT_TRUE(is(Fault::Kind::Conflict, disk().make_link(at("link"), "other")));
}

TEST_P(EveryDisk, NamelessFilesGetOneNameOrNone) {
  auto file = disk().open_nameless(at("."), kPublicFile);
  if (!file) GTEST_SKIP() << "this file system knows no files without a name";
  ASSERT_TRUE((*file)->write_at(0, as_bytes("text")));
  ASSERT_TRUE(disk().give_name(**file, at("a")));
  EXPECT_EQ(content("a"), "text");
  auto other = disk().open_nameless(at("."), kPublicFile);
  EXPECT_TRUE(is(Fault::Kind::Conflict, disk().give_name(**other, at("a"))));
}

TEST_P(EveryDisk, LocksOnceAtATime) {
  auto lock = disk().lock(at("lock"));
  ASSERT_TRUE(lock);
  EXPECT_TRUE(is(Fault::Kind::Busy, disk().lock(at("lock"))));
  lock->reset();
  EXPECT_TRUE(disk().lock(at("lock")));
}

TEST_P(EveryDisk, ReplacesAFileOverWhatAPowerCutLeft) {
  ASSERT_TRUE(replace_file(disk(), at("a.new"), as_bytes("half")));
  ASSERT_TRUE(replace_file(disk(), at("a"), as_bytes("whole")));
  EXPECT_EQ(content("a"), "whole");
  EXPECT_FALSE(*disk().look_at(at("a.new")));
  EXPECT_TRUE(is(Fault::Kind::Conflict, create_file(disk(), at("a"), as_bytes("other"))));
  EXPECT_TRUE(is(Fault::Kind::Io, read_small_file(disk(), at("a"), 4)));
  ASSERT_TRUE(remove_file(disk(), at("a")));
  ASSERT_TRUE(remove_file(disk(), at("a")));
  EXPECT_EQ(content("a"), "nothing");
}

TEST_P(EveryDisk, MakesFoldersAllTheWayDown) {
  ASSERT_TRUE(make_folders(disk(), at("deep/er/")));
  ASSERT_TRUE(make_folders(disk(), at("deep/er/still")));
  EXPECT_EQ((*disk().look_at(at("deep/er/still")))->kind, Entry::Kind::Folder);
  ASSERT_TRUE(replace_file(disk(), at("deep/file"), as_bytes("")));
  EXPECT_FALSE(make_folders(disk(), at("deep/file")));
  EXPECT_FALSE(make_folders(disk(), at("deep/file/below")));
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryDisk, ::testing::Values(Kind::Posix, Kind::Memory),
                         [](const auto& kind) { return kind.param == Kind::Posix ? "Posix" : "Memory"; });

TEST(PosixDisk, GivesAFileExactlyItsMode) {
  const sim::TempDir dir;
  PosixDisk disk;
  const std::string path = (dir.path() / "key").string();
  const mode_t before = ::umask(0777);
  const auto replaced = replace_file(disk, path, as_bytes("seed"), kSecretFile);
  ::umask(before);
  ASSERT_TRUE(replaced);
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, kSecretFile);
}

// --- the power --------------------------------------------------------------------------------------------

/// "a" holds "old" for good; then it is replaced by hand, without any sync.
MemoryDisk careless() {
  MemoryDisk disk;
  EXPECT_TRUE(replace_file(disk, "a", as_bytes("old")));
  const auto file = disk.open("a.new", Opening::MakeNew, kPublicFile);
  EXPECT_TRUE((*file)->write_at(0, as_bytes("newer")));
  EXPECT_TRUE(disk.rename("a.new", "a"));
  return disk;
}

std::string left_of(MemoryDisk disk, Torn torn) {
  disk.restart(torn);
  const auto bytes = read_small_file(disk, "a", 100);
  return bytes && *bytes ? std::string(as_text(**bytes)) : "nothing";
}

TEST(MemoryDisk, ForgetsWhatWasNotSynced) {
  EXPECT_EQ(left_of(careless(), Torn::Nothing), "old");
  EXPECT_EQ(left_of(careless(), Torn::Everything), "newer");
  EXPECT_EQ(left_of(careless(), Torn::NamesOnly), "");  // the classic: renamed before it was written
  EXPECT_EQ(left_of(careless(), Torn::BytesOnly), "old");
}

TEST(MemoryDisk, TearsTheLastWrite) {
  MemoryDisk disk;
  ASSERT_TRUE(replace_file(disk, "a", as_bytes("----")));
  const auto file = disk.open("a", Opening::Write, 0);
  ASSERT_TRUE((*file)->write_at(0, as_bytes("abcd")));
  EXPECT_EQ(left_of(disk, Torn::Half), "ab--");
}

TEST(MemoryDisk, KeepsWhatWasSynced) {
  MemoryDisk disk;
  ASSERT_TRUE(replace_file(disk, "a", as_bytes("old")));
  ASSERT_TRUE(replace_file(disk, "a", as_bytes("new")));
  for (const Torn torn : sim::kEveryTorn) EXPECT_EQ(left_of(disk, torn), "new");
}

TEST(MemoryDisk, KeepsNoNameThatWasDurablyRemoved) {
  MemoryDisk disk;
  ASSERT_TRUE(replace_file(disk, "a", as_bytes("old")));
  ASSERT_TRUE(remove_file(disk, "a"));
  disk.restart(Torn::Nothing);
  EXPECT_FALSE(*disk.look_at("a"));
}

TEST(MemoryDisk, LosesAWholeFolderWithItsName) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_folder("folder", kPublicFolder));
  ASSERT_TRUE(replace_file(disk, "folder/a", as_bytes("text")));  // syncs the folder, not the one above
  disk.restart(Torn::Nothing);
  EXPECT_EQ(disk.paths(), std::vector<std::string>{});
}

TEST(MemoryDisk, IsDeadFromTheCutOn) {
  MemoryDisk disk;
  ASSERT_TRUE(replace_file(disk, "a", as_bytes("old")));
  const auto file = disk.open("a", Opening::Write, 0);
  disk.cut_power_after(1);
  EXPECT_TRUE((*file)->write_at(0, as_bytes("x")));
  EXPECT_FALSE((*file)->sync());
  EXPECT_TRUE(disk.dead());
  EXPECT_FALSE((*file)->read_at(0, 1));
  EXPECT_FALSE(disk.look_at("a"));
  disk.restart(Torn::Nothing);
  EXPECT_FALSE((*file)->read_at(0, 1));  // of the life before
  EXPECT_TRUE(disk.open("a", Opening::Read, 0));
}

// replace_file() at every one of its changes, and whatever is left.
TEST(MemoryDisk, NeverShowsHalfAReplacedFile) {
  MemoryDisk before;
  ASSERT_TRUE(replace_file(before, "a", as_bytes("old")));
  bool finished = false;
  for (std::uint64_t changes = 0; !finished; ++changes) {
    MemoryDisk disk = before;
    disk.cut_power_after(changes);
    finished = replace_file(disk, "a", as_bytes("newer")).has_value();
    for (const Torn torn : sim::kEveryTorn) {
      const std::string left = left_of(disk, torn);
      EXPECT_TRUE(left == "newer" || (left == "old" && !finished)) << changes << ": " << left;
    }
  }
}

}  // namespace
}  // namespace cotter::disk
