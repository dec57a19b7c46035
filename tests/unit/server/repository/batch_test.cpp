#include "server/repository/batch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::write;

class Batches : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(fs::create_directories(layout().incoming_dir())); }
  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] std::string incoming(const std::string& name, const std::string& content) const {
    const fs::path path = layout().incoming_dir() / name;
    write(path, content);
    return path.native();
  }
  [[nodiscard]] std::string named(const std::string& path) const { return (layout().dir() / path).native(); }

  sim::TempDir temp_;
  const Layout layout_{temp_.path() / "repo"};
};

TEST_F(Batches, MoveAFileToItsFirstNameAndLinkItToTheOthers) {
  Batch batch(layout());
  batch.add({incoming("new", "image"), {named("a/one"), named("b/two")}, true, false});
  ASSERT_TRUE(batch.finish());
  EXPECT_EQ(content_of(named("a/one")), "image");
  EXPECT_TRUE(fs::equivalent(named("a/one"), named("b/two")));
  EXPECT_EQ(fs::hard_link_count(named("a/one")), 2U);
  EXPECT_TRUE(fs::is_empty(layout().incoming_dir()));
}

TEST_F(Batches, LeaveAFileThatDoesNotMoveWhereItIs) {
  Batch batch(layout());
  const std::string file = incoming("kept", "image");
  batch.add({file, {named("a/one"), named("a/two")}, false, false});
  ASSERT_TRUE(batch.finish());
  EXPECT_EQ(content_of(file), "image");
  EXPECT_TRUE(fs::equivalent(file, named("a/one")));
  EXPECT_TRUE(fs::equivalent(file, named("a/two")));
}

TEST_F(Batches, GiveManyFilesTheirNamesInManyFolders) {
  Batch batch(layout());
  const auto name = [&](int i) { return "d" + std::to_string(i % 17) + "/" + std::to_string(i); };
  for (int i = 0; i < 200; ++i) {
    const std::string text = std::to_string(i);
    batch.add({incoming("new-" + text, text), {named(name(i)), named(name(i) + ".also")}, i % 2 == 0, false});
  }
  ASSERT_TRUE(batch.finish());
  EXPECT_EQ(batch.size(), 0U);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(content_of(named(name(i))), std::to_string(i));
    EXPECT_EQ(content_of(named(name(i) + ".also")), std::to_string(i));
  }
}

TEST_F(Batches, SayThatANameOfManyHasOtherBytes) {
  Batch batch(layout());
  for (int i = 0; i < 50; ++i) {
    const std::string text = std::to_string(i);
    batch.add({incoming("new-" + text, text), {named("d" + text + "/file")}, true, false});
  }
  fs::create_directories(named("d37"));
  write(named("d37/file"), "another");
  const auto done = batch.finish();
  ASSERT_FALSE(done);
  EXPECT_TRUE(is_fault(done.error(), Fault::Kind::Conflict));
  EXPECT_NE(summary(done.error()).find("d37/file"), std::string::npos) << summary(done.error());
  EXPECT_EQ(content_of(named("d37/file")), "another");
}

TEST_F(Batches, MendOtherBytesWhereTheNameSaysWhatTheyMustBe) {
  Batch batch(layout());
  for (const char* folder : {"a", "b"}) {
    fs::create_directories(named(folder));
    write(named(std::string(folder) + "/image"), "damaged");
    batch.add({incoming(folder, folder), {named(std::string(folder) + "/image")}, true, true});
  }
  ASSERT_TRUE(batch.finish());
  EXPECT_EQ(content_of(named("a/image")), "a");
  EXPECT_EQ(content_of(named("b/image")), "b");
  EXPECT_TRUE(fs::is_empty(layout().incoming_dir()));
}

TEST_F(Batches, TakeANameThatAKilledWriterGaveForGiven) {
  Batch batch(layout());
  fs::create_directories(named("a"));
  write(named("a/one"), "image");
  batch.add({incoming("new", "image"), {named("a/one"), named("a/two")}, true, false});
  ASSERT_TRUE(batch.finish());
  EXPECT_EQ(content_of(named("a/one")), "image");
  EXPECT_EQ(content_of(named("a/two")), "image");
  EXPECT_TRUE(fs::is_empty(layout().incoming_dir()));
}

TEST_F(Batches, MakeFoldersThatAllMayReadWhateverTheUmask) {
  for (const int files : {1, 50}) {
    Batch batch(layout());
    const std::string folder = "of-" + std::to_string(files);
    for (int i = 0; i < files; ++i)
      batch.add(
          {incoming(std::to_string(i), "image"), {named(folder + "/" + std::to_string(i))}, true, false});
    const mode_t before = ::umask(S_IRWXG | S_IRWXO);
    const auto done = batch.finish();
    ::umask(before);
    ASSERT_TRUE(done);
    EXPECT_EQ(fs::status(named(folder)).permissions(), fs::perms{host::kPublicDir});
  }
}

TEST_F(Batches, WriteNoFileOfAnotherBatch) {
  Batch one(layout()), other(layout());
  const auto first = one.write(as_bytes("first"));
  ASSERT_TRUE(first);
  {
    const auto second = other.write(as_bytes("second"));
    ASSERT_TRUE(second);
    EXPECT_EQ(content_of(first->path()), "first");
    EXPECT_EQ(content_of(second->path()), "second");
  }
  EXPECT_EQ(content_of(first->path()), "first");
}

}  // namespace
}  // namespace cotter::repository
