#include "client/store/target_folder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "common/disk/posix_disk.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/small_disk.h"
#include "tests/sim/temp_dir.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

model::Target target_of(std::string_view content) {
  model::Target target;
  target.length = content.size();
  target.hashes = crypto::Hashes::of(as_bytes(content));
  return target;
}

class TargetFolderTest : public ::testing::Test {
 protected:
  TargetFolder open() {
    auto opened = TargetFolder::open(posix, path);
    COTTER_ASSERT(opened);
    return std::move(*opened);
  }
  static IncomingTarget incoming(const TargetFolder& folder, const std::string& name,
                                 std::string_view content) {
    auto target = folder.receive(TargetName(name));
    COTTER_ASSERT(target && target->write(as_bytes(content)));
    return std::move(*target);
  }
  static Result<void> publish(const TargetFolder& folder, IncomingTarget target) {
    std::vector<IncomingTarget> targets;
    targets.push_back(std::move(target));
    return folder.publish(std::move(targets));
  }
  std::set<std::string> names() {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(path)) all.insert(entry.path().filename().string());
    return all;
  }
  disk::PosixDisk posix;
  sim::TempDir dir;
  fs::path path = dir.path() / "deep" / "targets";
};

TEST_F(TargetFolderTest, ShowsATargetOnlyOncePublished) {
  const TargetFolder folder = open();
  {
    const IncomingTarget given_up = incoming(folder, "a", "half");
    EXPECT_FALSE(folder.has(TargetName("a"), target_of("half")));
  }
  EXPECT_EQ(names(), std::set<std::string>{});
  ASSERT_TRUE(publish(folder, incoming(folder, "a", "whole")));
  EXPECT_EQ(names(), std::set<std::string>{"a"});
  EXPECT_TRUE(folder.has(TargetName("a"), target_of("whole")));
  EXPECT_FALSE(folder.has(TargetName("a"), target_of("other")));
  ASSERT_TRUE(publish(folder, incoming(folder, "a", "newer")));
  EXPECT_TRUE(folder.has(TargetName("a"), target_of("newer")));
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_F(TargetFolderTest, HasOnlyRegularFiles) {
  const TargetFolder folder = open();
  std::ofstream(dir.path() / "elsewhere") << "content";
  fs::create_symlink(dir.path() / "elsewhere", path / "link");
  fs::create_directory(path / "folder");
  EXPECT_FALSE(folder.has(TargetName("link"), target_of("content")));
  EXPECT_FALSE(folder.has(TargetName("folder"), target_of("content")));
  ASSERT_TRUE(publish(folder, incoming(folder, "link", "own content")));
  EXPECT_TRUE(folder.has(TargetName("link"), target_of("own content")));
  std::ifstream in(dir.path() / "elsewhere");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "content");
}

TEST_F(TargetFolderTest, FailedPublishLeavesNoPassingName) {
  const TargetFolder folder = open();
  fs::create_directory(path / "taken");
  EXPECT_FALSE(publish(folder, incoming(folder, "taken", "content")));
  EXPECT_EQ(names(), std::set<std::string>{"taken"});
}

TEST_F(TargetFolderTest, OpeningClearsWhatAKilledProcessLeft) {
  open();
  std::ofstream(path / "%partial-123456") << "half";
  std::ofstream(path / "kept") << "whole";
  open();
  EXPECT_EQ(names(), std::set<std::string>{"kept"});
}

TEST_F(TargetFolderTest, KilledAtAnyStepItShowsTheOldTargetOrTheNew) {
  ASSERT_TRUE(publish(open(), incoming(open(), "a", "old")));
  for (unsigned step = 1;; ++step) {
    const sim::Death death = sim::run_until_step(step, [&] {
      const TargetFolder folder = open();
      return publish(folder, incoming(folder, "a", "new")).has_value();
    });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "no process may be traced here";
    ASSERT_NE(death, sim::Death::Failed) << "step " << step;
    const TargetFolder folder = open();
    EXPECT_EQ(names(), std::set<std::string>{"a"}) << "step " << step;
    const bool is_new = folder.has(TargetName("a"), target_of("new"));
    EXPECT_TRUE(is_new || folder.has(TargetName("a"), target_of("old"))) << "step " << step;
    if (death == sim::Death::Finished) {
      EXPECT_TRUE(is_new);
      EXPECT_GT(step, 3U);
      break;
    }
  }
}

TEST_F(TargetFolderTest, FullDiskIsAFaultAndLeavesNothing) {
  const sim::SmallDisk disk("64k");
  if (!disk.mounted()) GTEST_SKIP() << "no file system may be mounted here";
  path = disk.path() / "targets";
  const TargetFolder folder = open();
  auto target = folder.receive(TargetName("a"));
  ASSERT_TRUE(target);
  const auto written = target->write(Bytes(128 * 1024, 'x'));
  ASSERT_FALSE(written);
  EXPECT_TRUE(is_fault(written.error(), Fault::Kind::NoSpace)) << summary(written.error());
  EXPECT_EQ(names(), std::set<std::string>{});
}

}  // namespace
}  // namespace cotter::client
