// A release that was stopped, and what it reads when it is run again.
#include <gtest/gtest.h>
#include <unistd.h>

#include "server/app/apply_release.h"
#include "server/app/check_repository.h"
#include "server/repository/folder_transport.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using test::kNow;
using State = ApplyOutcome::State;

class StoppedRelease : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ws_.init_role());
    for (const char* name : {"aaaa", "bbbb", "cccc", "dddd"}) artifacts_.push_back(ws_.artifact(name, name));
    test::let_settle(artifacts_);
  }
  [[nodiscard]] ApplyRequest request() const {
    ApplyRequest request = ws_.request(artifacts_);
    request.remember_every = 1;
    return request;
  }
  [[nodiscard]] fs::path taken() const { return ws_.layout().taken_dir(); }
  /// All is read, and then nobody signs.
  void stop(ApplyRequest request) const {
    request.signers = [](const RoleName&) -> Result<ReleaseSigners> {
      return fault(Fault::Kind::Denied, "the token is gone");
    };
    const auto stopped = apply_release(ws_.workspace(), request, kNow);
    ASSERT_FALSE(stopped);
    ASSERT_TRUE(is_fault(stopped.error(), Fault::Kind::Denied)) << explain(stopped.error());
    EXPECT_TRUE(ws_.listed().empty());
  }
  /// How many bytes it reads: all is published then, as it lies in the files now.
  [[nodiscard]] std::uint64_t bytes_to_go_on() const {
    const auto done = apply_release(ws_.workspace(), request(), kNow);
    EXPECT_TRUE(done) << explain(done.error());
    if (!done) return UINT64_MAX;
    EXPECT_EQ(done->state, State::Published);
    for (const Artifact& artifact : artifacts_) {
      const auto found = ws_.find(artifact.release.name.value(), HardwareId("hw-1"));
      EXPECT_TRUE(found) << explain(found.error());
      const std::string content = test::content_of(artifact.file);
      if (!found) continue;
      EXPECT_EQ(found->target.hashes, crypto::Hashes::of(as_bytes(content))) << content;
    }
    repository::FolderTransport folder(ws_.repo());
    const auto health = check_repository(folder, kNow, {});
    EXPECT_TRUE(health && health->healthy());
    EXPECT_FALSE(fs::exists(taken())) << "it is forgotten once it is published";
    return done->bytes;
  }
  [[nodiscard]] std::vector<fs::path> copies() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(taken())) {
      if (entry.is_regular_file() && entry.path().filename() != "journal") files.push_back(entry.path());
    }
    return files;
  }

  test::ReleaseWorkspace ws_;
  std::vector<Artifact> artifacts_;
};

TEST_F(StoppedRelease, ReadsOnlyTheRestTheNextTime) {
  const fs::path last = artifacts_.back().file, away = last.string() + ".away";
  fs::rename(last, away);
  const auto stopped = apply_release(ws_.workspace(), request(), kNow);
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(is_fault(stopped.error(), Fault::Kind::NotFound));
  EXPECT_FALSE(fs::exists(ws_.repo() / "targets"));
  fs::rename(away, last);
  EXPECT_EQ(bytes_to_go_on(), 4U);
}

TEST_F(StoppedRelease, ReadsNothingAgainWhereAllWasRead) {
  stop(request());
  EXPECT_EQ(copies().size(), 4U);
  EXPECT_EQ(bytes_to_go_on(), 0U);
}

TEST_F(StoppedRelease, IsNotForgottenWhenOthersWriteMeanwhile) {
  stop(request());
  ASSERT_TRUE(ws_.publish("other", "image"));
  EXPECT_EQ(bytes_to_go_on(), 0U);
}

TEST_F(StoppedRelease, ReadsAnewWhatChangedMeanwhile) {
  stop(request());
  const auto written = fs::last_write_time(artifacts_[1].file);
  test::write(artifacts_[1].file, "BBBB");
  fs::last_write_time(artifacts_[1].file, written);  // the same size and, as it says, of the same time
  test::write(artifacts_[2].file.string() + ".new", "CCCC");
  fs::last_write_time(artifacts_[2].file.string() + ".new", fs::last_write_time(artifacts_[2].file));
  fs::rename(artifacts_[2].file.string() + ".new", artifacts_[2].file);
  EXPECT_EQ(bytes_to_go_on(), 8U);
}

TEST_F(StoppedRelease, ReadsAnewWhatHasNoWholeCopyAnyMore) {
  stop(request());
  auto files = copies();
  ASSERT_EQ(files.size(), 4U);
  test::write(files[0], "XXXX");
  fs::last_write_time(files[0], fs::last_write_time(files[0]) - std::chrono::hours(1));
  fs::remove(files[1]);
  EXPECT_EQ(bytes_to_go_on(), 8U);
}

TEST_F(StoppedRelease, GoesOnBehindALineOfItsJournalThatWasCutShort) {
  stop(request());
  fs::resize_file(taken() / "journal", fs::file_size(taken() / "journal") - 1);
  stop(request());  // reads that one, and notes it anew
  EXPECT_EQ(bytes_to_go_on(), 0U);
}

TEST_F(StoppedRelease, ThatWasOnlyTriedOrIsSmallLeavesNothing) {
  ApplyRequest small = request();
  small.remember_every = ApplyRequest().remember_every;
  stop(small);
  EXPECT_FALSE(fs::exists(taken()));
  ApplyRequest tried = request();
  tried.dry_run = true;
  ASSERT_TRUE(apply_release(ws_.workspace(), tried, kNow));
  EXPECT_FALSE(fs::exists(taken()));
  EXPECT_EQ(bytes_to_go_on(), 16U);
}

/// Killed before its first step was made.
TEST_F(StoppedRelease, WithoutAJournalIsClearedAwayByWhoeverWritesNext) {
  fs::create_directory(taken());
  test::write(taken() / "image.abcdef", "aa");
  ASSERT_TRUE(ws_.publish("other", "image"));
  EXPECT_FALSE(fs::exists(taken()));
  EXPECT_EQ(bytes_to_go_on(), 16U);
}

/// Killed while it copied one more.
TEST_F(StoppedRelease, KeepsNoHalfCopyBesideThoseThatItRemembers) {
  stop(request());
  test::write(taken() / "image.abcdef", "half");
  ASSERT_TRUE(ws_.publish("other", "image"));
  EXPECT_EQ(copies().size(), 4U);
  EXPECT_EQ(bytes_to_go_on(), 0U);
}

TEST_F(StoppedRelease, ByAFullDiskLeavesRoomForOthers) {
  const sim::SmallDisk disk("3m");
  if (!disk.mounted()) GTEST_SKIP() << "this machine does not let us mount a small disk";
  const test::ReleaseWorkspace small(disk.path() / "ws");
  ASSERT_TRUE(small.init_role());
  const sim::TempDir elsewhere;
  ApplyRequest large = small.request({});
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    large.manifest.artifacts.push_back(small.artifact(name, name));
    large.manifest.artifacts.back().file = elsewhere.path() / name;
    test::write(elsewhere.path() / name, std::string(500'000, *name));
  }
  test::let_settle(large.manifest.artifacts);
  large.remember_every = 1;
  const auto stopped = apply_release(small.workspace(), large, kNow);
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(is_fault(stopped.error(), Fault::Kind::NoSpace)) << explain(stopped.error());
  EXPECT_FALSE(fs::exists(small.layout().taken_dir()));
  const auto published = small.publish("other", "image");
  EXPECT_TRUE(published) << explain(published.error());
}

TEST_F(StoppedRelease, OfAnotherAccountIsInNobodysWay) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two accounts";
  constexpr uid_t kNobody = 65534;
  const fs::path workspace = ws_.repo().parent_path();
  for (const auto& entry : fs::recursive_directory_iterator(workspace))
    ASSERT_EQ(::lchown(entry.path().c_str(), kNobody, kNobody), 0);
  ASSERT_EQ(::lchown(workspace.c_str(), kNobody, kNobody), 0);
  fs::permissions(workspace.parent_path(), fs::perms(0755));
  fs::create_directory(taken());
  fs::permissions(taken(), fs::perms(0700));
  test::write(taken() / "image.abcdef", "root's");
  {
    const sim::AsNobody nobody;
    const auto published = ws_.publish("other", "image");
    EXPECT_TRUE(published) << explain(published.error());
  }
  EXPECT_EQ(copies().size(), 1U);
}

/// The last step is made where there was one before it.
TEST_F(StoppedRelease, RemembersInStepsAndTheRestOfThem) {
  ApplyRequest in_steps = request();
  in_steps.remember_every = 12;
  stop(in_steps);
  EXPECT_EQ(bytes_to_go_on(), 0U);
}

TEST_F(StoppedRelease, IsForgottenOnceAnotherReleaseIsPublished) {
  stop(request());
  ASSERT_TRUE(ws_.apply({ws_.artifact("other", "other")}));
  EXPECT_FALSE(fs::exists(taken()));
  EXPECT_EQ(bytes_to_go_on(), 16U);
}

}  // namespace
}  // namespace cotter::app
