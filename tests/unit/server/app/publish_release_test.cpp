#include "server/app/publish_release.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "server/app/check_repository.h"
#include "server/ceremony/offline_bundle.h"
#include "server/repository/folder_transport.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using test::kNow;
using State = PublishOutcome::State;

class Publish : public testing::Test {
 protected:
  [[nodiscard]] std::set<std::string> listed(UtcTime now = kNow) const {
    std::set<std::string> names;
    const auto set = ws_.read(now);
    EXPECT_TRUE(set) << explain(set.error());
    if (!set) return names;
    for (const auto& [name, target] : (*set->targets())->targets) names.insert(name.value());
    return names;
  }
  void expect_healthy(UtcTime now = kNow) const {
    repository::FolderTransport folder(ws_.repo());
    const auto health = check_repository(folder, now, {});
    ASSERT_TRUE(health);
    EXPECT_TRUE(health->healthy()) << health->problems.front();
  }
  test::TestWorkspace ws_;
};

class BrokenSigner final : public crypto::Signer {
 public:
  explicit BrokenSigner(crypto::Signer& key) : key_(&key) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key(); }
  Result<crypto::Signature> sign(ByteView) override {
    return fault(Fault::Kind::Io, "the token was pulled out");
  }

 private:
  crypto::Signer* key_;
};

TEST_F(Publish, SignsOnTheSpotWhereEnoughHoldersAreThere) {  // IMG-5
  const auto outcome = ws_.publish("team/ecu/a.bin", "image");
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, State::Published);
  EXPECT_EQ(outcome->counter, ReleaseCounter(1));
  EXPECT_EQ(outcome->versions.targets, Version(2));
  EXPECT_EQ(outcome->versions.snapshot, Version(2));
  EXPECT_EQ(outcome->versions.timestamp, Version(2));
  EXPECT_EQ(listed(), std::set<std::string>{"team/ecu/a.bin"});
  EXPECT_TRUE(ws_.bundles().empty());
  expect_healthy();
}

TEST_F(Publish, LeavesABundleWhereSignaturesAreMissing) {
  const auto outcome = ws_.publish("team/ecu/a.bin", "image", {});
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, State::Awaiting);
  EXPECT_EQ(outcome->signatures, 0U);
  EXPECT_EQ(outcome->threshold, 2U);
  EXPECT_TRUE(listed().empty());
  const auto bundle = ceremony::OfflineBundle::read(outcome->bundle);
  ASSERT_TRUE(bundle) << explain(bundle.error());
  EXPECT_EQ(bundle->sha256(), outcome->sha256);
  ASSERT_EQ(bundle->summary.size(), 1U);
  EXPECT_NE(bundle->summary[0].find("add team/ecu/a.bin by version 1.0, release counter 1, for hw-1"),
            std::string::npos)
      << bundle->summary[0];
}

TEST_F(Publish, TakesTheHoldersOneAfterTheOther) {
  ASSERT_TRUE(ws_.publish("a", "image", {}));
  const auto first = ws_.publish("a", "image", {2});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->signatures, 1U);
  EXPECT_EQ(ws_.publish("a", "image", {2})->signatures, 1U);  // the same holder counts once
  const auto second = ws_.publish("a", "image", {0});
  ASSERT_TRUE(second) << explain(second.error());
  EXPECT_EQ(second->state, State::Published);
  EXPECT_EQ(second->versions.targets, Version(2));
  EXPECT_TRUE(ws_.bundles().empty());
  expect_healthy();
}

TEST_F(Publish, JoinsAReleaseThatWaits) {
  ASSERT_TRUE(ws_.publish("a", "image a", {0}));
  const auto joined = ws_.publish("b", "image b", {});
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->state, State::Awaiting);
  EXPECT_EQ(joined->signatures, 0U);  // what holders signed was another document
  EXPECT_EQ(joined->summary.size(), 2U);
  EXPECT_EQ(joined->counter, ReleaseCounter(2));
  EXPECT_EQ(ws_.bundles(), std::vector<std::string>{"image-targets-3.json"});
  ASSERT_TRUE(ws_.publish("c", "image c"));
  EXPECT_EQ(listed(), (std::set<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(ws_.bundles().empty());
  expect_healthy();
}

TEST_F(Publish, DoesNothingForWhatIsPublishedAlready) {
  ASSERT_TRUE(ws_.publish("a", "image"));
  const std::string timestamp = test::content_of(ws_.repo() / "timestamp.json");
  const auto again = ws_.publish("a", "image");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->state, State::Unchanged);
  EXPECT_EQ(test::content_of(ws_.repo() / "timestamp.json"), timestamp);
}

TEST_F(Publish, MendsADamagedImageThatIsPublishedAgain) {
  const auto first = ws_.publish("a", "image");
  const fs::path copy =
      ws_.layout().image(TargetName("a"), to_hex(*first->hashes.find(crypto::HashFunction::Sha512)));
  test::write(copy, "imagX");
  ASSERT_TRUE(ws_.publish("a", "image"));
  expect_healthy();
}

TEST_F(Publish, RefusesALowerReleaseCounterAlsoBehindOneThatWaits) {  // IMG-9
  PublishRequest request = ws_.request("a", "image", {});
  request.release.counter = ReleaseCounter(7);
  ASSERT_TRUE(ws_.publish(request));
  request = ws_.request("b", "image", {0, 1});
  request.release.counter = ReleaseCounter(6);
  const auto lower = ws_.publish(request);
  ASSERT_FALSE(lower);
  EXPECT_TRUE(is_fault(lower.error(), Fault::Kind::Denied));
  EXPECT_TRUE(listed().empty());
}

TEST_F(Publish, RefusesAHolderThatTheRootDoesNotName) {  // IMG-2
  const auto stranger = sim::key("stranger");
  PublishRequest request = ws_.request("a", "image", {0});
  request.holders.push_back(stranger.get());
  const auto outcome = ws_.publish(request);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(is_fault(outcome.error(), Fault::Kind::Denied));
  EXPECT_TRUE(listed().empty());
}

TEST_F(Publish, NeverGivesANumberToTwoContents) {  // FMT-3
  BrokenSigner broken(*ws_.keys.timestamp[0]);
  PublishRequest request = ws_.request("a", "image", {0, 1});
  request.online = [&] { return Result<OnlineSigners>(OnlineSigners{ws_.keys.snapshot[0].get(), &broken}); };
  ASSERT_FALSE(ws_.publish(request));
  EXPECT_TRUE(listed().empty());
  const auto outcome = ws_.publish("a", "other image");
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->versions.targets, Version(3));
  EXPECT_EQ(outcome->versions.snapshot, Version(3));
  EXPECT_EQ(outcome->versions.timestamp, Version(3));
}

TEST_F(Publish, RefusesOnlineKeysThatTheRootDoesNotName) {
  const auto stranger = sim::key("stranger");
  PublishRequest request = ws_.request("a", "image", {0, 1});
  request.online = [&] { return Result<OnlineSigners>(OnlineSigners{stranger.get(), stranger.get()}); };
  const auto outcome = ws_.publish(request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(rejection_in(outcome.error())->rule, RuleId::ThresholdNotMet);
  EXPECT_TRUE(listed().empty());
}

TEST_F(Publish, RenewsWhatHasExpiredButNotTheRoot) {
  const UtcTime later = kNow + std::chrono::days(200);
  EXPECT_FALSE(ws_.read(later));
  ASSERT_TRUE(ws_.publish(ws_.request("a", "image", {0, 1}), later));
  expect_healthy(later);
  const UtcTime too_late = kNow + std::chrono::days(366);
  const auto outcome = ws_.publish(ws_.request("b", "image", {0, 1}), too_late);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(rejection_in(outcome.error())->rule, RuleId::RootExpired);
}

TEST_F(Publish, DraftsAnewWhatWaitedUntilItExpired) {
  ASSERT_TRUE(ws_.publish("a", "image", {0}));
  const UtcTime later = kNow + std::chrono::days(91);
  const auto outcome = ws_.publish(ws_.request("a", "image", {1, 2}), later);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, State::Published);
  expect_healthy(later);
}

TEST_F(Publish, LivesAsLongAsItIsTold) {
  PublishRequest request = ws_.request("a", "image", {0, 1});
  request.targets_lifetime = std::chrono::days(10);
  ASSERT_TRUE(ws_.publish(request));
  EXPECT_EQ((*ws_.read()->targets())->expires, kNow + std::chrono::days(10));
}

TEST_F(Publish, TouchesNothingWhereTheBundleWasTamperedWith) {
  const auto waiting = ws_.publish("a", "image", {});
  auto bundle = *ceremony::OfflineBundle::read(waiting->bundle);
  bundle.signed_part.as_object()->set("version", 9);
  bundle.version = Version(2);
  ASSERT_TRUE(bundle.write(ws_.pending()));  // its digest fits, but it is not what we promised
  const auto outcome = ws_.publish("b", "image b");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(listed(), std::set<std::string>{"b"});
  test::write(ws_.pending() / "image-targets-9.json", "{");
  const auto damaged = ws_.publish("c", "image c");
  ASSERT_FALSE(damaged);
  EXPECT_TRUE(is_fault(damaged.error(), Fault::Kind::Conflict)) << explain(damaged.error());
}

TEST_F(Publish, LosesNothingWhenTwoPublishAtOnce) {
  // Each its own request: the file of a TestWorkspace is one.
  const auto publish = [&](const std::string& name) {
    PublishRequest request = ws_.request(name, "", {0, 1});
    request.file = ws_.repo().parent_path() / ("source-" + name);
    test::write(request.file, "image " + name);
    const auto outcome = ws_.publish(request);
    EXPECT_TRUE(outcome) << explain(outcome.error());
  };
  {
    std::jthread one([&] { publish("a"); });
    std::jthread two([&] { publish("b"); });
  }
  EXPECT_EQ(listed(), (std::set<std::string>{"a", "b"}));
  expect_healthy();
}

TEST_F(Publish, IsNeverSeenHalfDone) {  // FMT-105
  std::atomic<bool> published = false;
  std::atomic<int> reads = 0;
  {
    std::jthread client([&] {
      do {
        const auto set = ws_.read();
        EXPECT_TRUE(set) << explain(set.error());
        ++reads;
      } while (!published);
    });
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(ws_.publish("image-" + std::to_string(i), "image"));
    published = true;
  }
  EXPECT_GT(reads, 10);
  EXPECT_EQ(listed().size(), 10U);
}

TEST_F(Publish, SaysWhenTheDiskIsFullAndChangesNothing) {
  const sim::SmallDisk disk("600k");
  if (!disk.mounted()) GTEST_SKIP() << "this machine does not let us mount a small disk";
  const test::TestWorkspace small(disk.path() / "ws");
  ASSERT_TRUE(small.publish("a", "image"));
  const PublishRequest request = small.request("b", "image b", {0, 1});
  disk.fill();
  const auto outcome = small.publish(request);
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(is_fault(outcome.error(), Fault::Kind::NoSpace)) << explain(outcome.error());
  EXPECT_EQ((*small.read()->targets())->targets.size(), 1U);
  fs::remove(disk.path() / "filler");
  EXPECT_TRUE(small.publish("b", "image b"));
  EXPECT_EQ((*small.read()->targets())->targets.size(), 2U);
}

TEST_F(Publish, SaysWhenTheRepositoryMayNotBeWritten) {
  const PublishRequest request = ws_.request("a", "image", {0, 1});
  const fs::path temporary = ws_.repo().parent_path().parent_path();
  fs::permissions(temporary, fs::perms(0755));
  fs::permissions(ws_.repo(), fs::perms(0555));
  {
    const sim::AsNobody nobody;
    const auto outcome = ws_.publish(request);
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(is_fault(outcome.error(), Fault::Kind::Denied)) << explain(outcome.error());
    EXPECT_NE(summary(outcome.error()).find(ws_.repo().string()), std::string::npos);
  }
  fs::permissions(ws_.repo(), fs::perms(0755));
  EXPECT_TRUE(ws_.publish(request));
}

}  // namespace
}  // namespace cotter::app
