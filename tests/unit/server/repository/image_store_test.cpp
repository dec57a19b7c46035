#include "server/repository/image_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>
#include <fstream>
#include <string>
#include <utility>

#include "common/host/atomic_file.h"
#include "server/repository/file_reader.h"
#include "server/repository/folder_transport.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::write;

const TargetName kName("team/ecu/a.bin");

class ImageStore : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fs::create_directory(repo()));
    ASSERT_TRUE(fs::create_directory(layout().incoming_dir()));
  }
  [[nodiscard]] fs::path repo() const { return temp_.path() / "repo"; }
  [[nodiscard]] Layout layout() const { return Layout(repo()); }
  [[nodiscard]] fs::path source() const { return temp_.path() / "a.bin"; }

  [[nodiscard]] Result<IncomingImage> take(const std::string& content) const {
    write(source(), content);
    return take_in(layout().incoming_dir(), source(), {});
  }
  /// Takes the content in and stores it; how a targets file would list it.
  model::Target stored(const std::string& content) const {
    const auto image = take(content);
    EXPECT_TRUE(image && store_image(layout(), *image, kName));
    return {image->length(), image->hashes(), {}, {}};
  }
  [[nodiscard]] fs::path copy(const model::Target& target, crypto::HashFunction function) const {
    return layout().image(kName, to_hex(*target.hashes.find(function)));
  }
  [[nodiscard]] Result<void> check(const model::Target& target) const {
    FolderTransport folder(repo());
    return check_image(folder, kName, target);
  }

  sim::TempDir temp_;
};

TEST_F(ImageStore, PutsOneFileUnderEachOfItsHashes) {  // FMT-101, IMG-4
  const model::Target target = stored("image");
  const fs::path sha256 = copy(target, crypto::HashFunction::Sha256);
  const fs::path sha512 = copy(target, crypto::HashFunction::Sha512);
  EXPECT_EQ(sha256.filename().string(), to_hex(crypto::sha256(as_bytes("image"))) + ".a.bin");
  EXPECT_EQ(sha256.parent_path(), repo() / "targets/team/ecu");
  EXPECT_EQ(content_of(sha256), "image");
  EXPECT_TRUE(fs::equivalent(sha256, sha512));
  EXPECT_TRUE(fs::is_empty(layout().incoming_dir()));
  struct stat status {};
  ASSERT_EQ(::stat(sha256.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0644U);  // a web server of another user reads it
  EXPECT_TRUE(check(target));
}

TEST_F(ImageStore, KeepsTheOldBuildBesideTheNew) {  // IMG-4
  const model::Target old_build = stored("old");
  const model::Target new_build = stored("new");
  EXPECT_TRUE(check(old_build));
  EXPECT_TRUE(check(new_build));
}

TEST_F(ImageStore, MendsACopyThatTheDiskDamaged) {
  const model::Target target = stored("image");
  const fs::path damaged = copy(target, crypto::HashFunction::Sha256);
  write(damaged, "imagX");  // both names are one file
  EXPECT_FALSE(check(target));
  stored("image");
  EXPECT_TRUE(check(target));
}

TEST_F(ImageStore, NoticesAFileThatChangesWhileItIsRead) {
  write(source(), std::string(2 * FileReader::kPieceBytes, 'a'));
  const auto image = take_in(layout().incoming_dir(), source(), [&](std::uint64_t done) {
    if (done == FileReader::kPieceBytes) std::ofstream(source(), std::ios::app) << "more";
  });
  ASSERT_FALSE(image);
  EXPECT_TRUE(is_fault(image.error(), Fault::Kind::Conflict)) << explain(image.error());
  EXPECT_TRUE(fs::is_empty(layout().incoming_dir()));
}

TEST_F(ImageStore, NoticesAFileThatIsCutWhileItIsRead) {
  write(source(), std::string(2 * FileReader::kPieceBytes, 'a'));
  const auto image =
      take_in(layout().incoming_dir(), source(), [&](std::uint64_t) { fs::resize_file(source(), 1); });
  ASSERT_FALSE(image);
  EXPECT_TRUE(is_fault(image.error(), Fault::Kind::Conflict));
}

TEST_F(ImageStore, TakesNothingButAFileWithContent) {
  write(source(), "");
  const auto empty = take_in(layout().incoming_dir(), source(), {});
  ASSERT_FALSE(empty);
  EXPECT_TRUE(is_fault(empty.error(), Fault::Kind::Usage));
  EXPECT_FALSE(take_in(layout().incoming_dir(), temp_.path(), {}));
  const fs::path pipe = temp_.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(take_in(layout().incoming_dir(), pipe, {}));  // and does not wait for a writer
  const auto missing = take_in(layout().incoming_dir(), temp_.path() / "missing", {});
  ASSERT_FALSE(missing);
  EXPECT_TRUE(is_fault(missing.error(), Fault::Kind::NotFound));
}

/// What changes twice within a tick of the clock looks unchanged: nobody may trust in having read it.
TEST_F(ImageStore, MakesACopyThatAllMayReadWhateverTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{S_IWGRP | S_IWOTH}, mode_t{S_IRWXG | S_IRWXO}}) {
    const mode_t before = ::umask(mask);
    const auto image = take("an image");
    ::umask(before);
    ASSERT_TRUE(image);
    EXPECT_EQ(fs::status(image->file()).permissions(), fs::perms{host::kPublicFile});
  }
}

TEST_F(ImageStore, TakesItsCopyUnderNoNameThatIsTaken) {
  const auto first = take("one image");
  ASSERT_TRUE(first);
  const std::string name = fs::path(first->file()).filename().string();
  const std::string next = "image." + std::to_string(std::stoull(name.substr(name.find('.') + 1)) + 1);
  write(layout().incoming_dir() / next, "of a release that was stopped");
  const auto second = take("another image");
  ASSERT_TRUE(second);
  EXPECT_EQ(content_of(layout().incoming_dir() / next), "of a release that was stopped");
  EXPECT_EQ(content_of(second->file()), "another image");
}

TEST_F(ImageStore, KnowsItsSourceAgainOnlyWhereAChangeWouldShow) {
  const auto tick = [] {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return std::pair(now.tv_sec, now.tv_nsec);
  };
  bool is_known = true;
  auto began = tick(), ended = began;
  do {
    began = tick();
    write(source(), "image");
    const auto image = take_in(layout().incoming_dir(), source(), {}, Durable::Later);
    ASSERT_TRUE(image);
    is_known = image->source().has_value();
    ended = tick();
  } while (began != ended);
  EXPECT_FALSE(is_known);
  struct stat changed {};
  ASSERT_EQ(::stat(source().c_str(), &changed), 0);  // some kernels note it finer than by ticks
  while (tick() <= std::pair(changed.st_ctim.tv_sec, changed.st_ctim.tv_nsec)) {
  }
  const auto image = take_in(layout().incoming_dir(), source(), {}, Durable::Later);
  ASSERT_TRUE(image);
  EXPECT_TRUE(image->source());
}

TEST_F(ImageStore, LeavesNothingBehindOnAFullDisk) {
  const sim::SmallDisk disk("64k");
  if (!disk.mounted()) GTEST_SKIP() << "this machine does not let us mount a small disk";
  const Layout small(disk.path());
  ASSERT_TRUE(fs::create_directory(small.incoming_dir()));
  write(source(), std::string(100'000, 'a'));
  const auto image = take_in(small.incoming_dir(), source(), {});
  ASSERT_FALSE(image);
  EXPECT_TRUE(is_fault(image.error(), Fault::Kind::NoSpace)) << explain(image.error());
  EXPECT_TRUE(fs::is_empty(small.incoming_dir()));
}

TEST_F(ImageStore, FindsEveryCopyThatIsMissingOrWrong) {
  for (const auto function : {crypto::HashFunction::Sha256, crypto::HashFunction::Sha512}) {
    const model::Target target = stored("image");
    fs::remove(copy(target, function));
    EXPECT_TRUE(is_fault(check(target).error(), Fault::Kind::NotFound));
    write(copy(target, function), "imagX");
    EXPECT_EQ(rejection_in(check(target).error())->rule, RuleId::ImageHashWrong);
    write(copy(target, function), "image and more");
    EXPECT_EQ(rejection_in(check(target).error())->rule, RuleId::ImageTooLong);
    write(copy(target, function), "imag");
    EXPECT_EQ(rejection_in(check(target).error())->rule, RuleId::ImageTooShort);
    stored("image");
    EXPECT_TRUE(check(target));
  }
}

}  // namespace
}  // namespace cotter::repository
