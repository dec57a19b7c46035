// kill -9 before each change that a publication makes to the disk (IMG-17).
#include <gtest/gtest.h>

#include <iterator>
#include <set>

#include "server/app/check_repository.h"
#include "server/app/publish_release.h"
#include "server/repository/folder_transport.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using test::kNow;

TEST(PublishKilled, LeavesTheOldStateOrTheNewAtEveryStep) {  // IMG-17
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory(
        "8m");  // quick, where we may mount it: it is kill -9 that is tried here, not the disk
    const test::TestWorkspace ws(memory.path() / "ws");
    ASSERT_TRUE(ws.publish("a", "image a"));
    const PublishRequest request = ws.request("b", "image b", {0, 1});
    const sim::Death death = sim::run_until_step(step, [&] { return ws.publish(request).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const auto set = ws.read();
    ASSERT_TRUE(set) << explain(set.error());
    EXPECT_TRUE((*set->targets())->targets.contains(TargetName("a")));
    const auto again = ws.publish(request);
    ASSERT_TRUE(again) << explain(again.error());
    repository::FolderTransport folder(ws.repo());
    const auto health = check_repository(folder, kNow, {});
    ASSERT_TRUE(health && health->healthy());
    EXPECT_EQ(health->images, 2U);
    EXPECT_TRUE(ws.bundles().empty());
    EXPECT_EQ(std::distance(fs::directory_iterator(ws.layout().incoming_dir()), fs::directory_iterator()), 1);
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 20U);
}

TEST(PublishKilled, LosesNoReleaseThatWaited) {  // IMG-17
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory(
        "8m");  // quick, where we may mount it: it is kill -9 that is tried here, not the disk
    const test::TestWorkspace ws(memory.path() / "ws");
    ASSERT_TRUE(ws.publish("a", "image a", {0}));
    const PublishRequest request = ws.request("b", "image b", {});
    const sim::Death death = sim::run_until_step(step, [&] { return ws.publish(request).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const auto outcome = ws.publish("c", "image c");
    ASSERT_TRUE(outcome) << explain(outcome.error());
    const auto listed = (*ws.read()->targets())->targets;
    EXPECT_TRUE(listed.contains(TargetName("a")));
    EXPECT_TRUE(listed.contains(TargetName("c")));
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 10U);
}

/// Every step of a release of several images into several bins, and then the same again.
TEST(ReleaseKilled, ShowsNothingBeforeAllAndGoesOnFromThere) {  // IMG-17
  const auto artifacts_in = [](const test::ReleaseWorkspace& ws) {
    std::vector<Artifact> artifacts;
    for (const char* name : {"b", "c", "d", "e"}) artifacts.push_back(ws.artifact(name, name));
    return artifacts;
  };
  std::map<std::string, json::Value> undisturbed;
  unsigned step = 0;
  for (;; ++step) {  // 0: nobody is killed
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const test::ReleaseWorkspace ws(memory.path() / "ws");
    ASSERT_TRUE(ws.init_role({0, 1}, 2));
    ASSERT_TRUE(ws.apply({ws.artifact("a", "a")}));
    const auto before = ws.listed(2);
    const ApplyRequest request = ws.request(artifacts_in(ws));
    const auto work = [&] { return apply_release(ws.workspace(), request, kNow).has_value(); };
    if (step == 0) {
      ASSERT_TRUE(work());
      undisturbed = ws.listed(2);
      continue;
    }
    const sim::Death death = sim::run_until_step(step, work);
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const auto then = ws.listed(2);
    EXPECT_TRUE(then == before || then == undisturbed);
    repository::FolderTransport folder(ws.repo());
    const auto at_death = check_repository(folder, kNow, {});
    ASSERT_TRUE(at_death && at_death->healthy()) << "listed before its image was there";
    const auto again = apply_release(ws.workspace(), request, kNow);
    ASSERT_TRUE(again) << explain(again.error());
    EXPECT_EQ(ws.listed(2), undisturbed);
    const auto health = check_repository(folder, kNow, {});
    ASSERT_TRUE(health && health->healthy());
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 30U);
}

TEST(ReleaseKilled, ShowsAllOfItsRolesOrNone) {  // IMG-17
  const RoleName tools("tools");
  const auto tools_key = sim::key("image-tools");
  for (unsigned step = 1;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const test::ReleaseWorkspace ws(memory.path() / "ws");
    const auto signers = [&](const RoleName& role) -> Result<ReleaseSigners> {
      return ReleaseSigners{ws.keys.online(), role == tools ? tools_key.get() : ws.release_key.front().get()};
    };
    InitRoleRequest init = ws.init_request({0, 1}, 1);
    init.plan.name = tools;
    init.plan.paths = {"tools/*"};
    init.plan.key = tools_key->public_key();
    init.signers = [&] { return signers(tools); };
    ASSERT_TRUE(ws.init_role({0, 1}, 1));
    ASSERT_TRUE(init_release_role(ws.workspace(), init, kNow));
    std::vector<Artifact> artifacts{ws.artifact("a", "a"), ws.artifact("b", "b")};
    artifacts.back().release.name = TargetName("tools/b");
    artifacts.back().role = tools;
    ApplyRequest request = ws.request(artifacts);
    request.signers = signers;
    const sim::Death death =
        sim::run_until_step(step, [&] { return apply_release(ws.workspace(), request, kNow).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const auto is_listed = [&](const std::string& name) {
      return ws.find(name, HardwareId("hw-1")).has_value();
    };
    EXPECT_EQ(is_listed("fw/a"), is_listed("tools/b"));
    const auto again = apply_release(ws.workspace(), request, kNow);
    ASSERT_TRUE(again) << explain(again.error());
    EXPECT_TRUE(is_listed("fw/a"));
    EXPECT_TRUE(is_listed("tools/b"));
    if (death == sim::Death::Finished) break;
  }
}

TEST(ReleaseKilled, ReadsTheNextTimeOnlyWhatItHadNotRead) {  // IMG-17
  std::set<std::uint64_t> read;
  for (unsigned step = 1;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const test::ReleaseWorkspace ws(memory.path() / "ws");
    ASSERT_TRUE(ws.init_role({0, 1}, 1));
    std::vector<Artifact> artifacts;
    for (const char* name : {"aaaa", "bbbb", "cccc"}) artifacts.push_back(ws.artifact(name, name));
    test::let_settle(artifacts);
    ApplyRequest request = ws.request(artifacts);
    request.remember_every = 1;
    const sim::Death death =
        sim::run_until_step(step, [&] { return apply_release(ws.workspace(), request, kNow).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const std::size_t listed = ws.listed(1).size();
    EXPECT_TRUE(listed == 0 || listed == artifacts.size()) << listed;
    const auto again = apply_release(ws.workspace(), request, kNow);
    ASSERT_TRUE(again) << explain(again.error());
    read.insert(again->bytes);
    EXPECT_EQ(again->bytes % 4, 0U) << "a file is read whole or not at all";
    EXPECT_EQ(ws.listed(1).size(), artifacts.size());
    repository::FolderTransport folder(ws.repo());
    const auto health = check_repository(folder, kNow, {});
    ASSERT_TRUE(health && health->healthy());
    EXPECT_EQ(std::distance(fs::directory_iterator(ws.layout().incoming_dir()), fs::directory_iterator()), 1);
    if (death == sim::Death::Finished) break;
  }
  EXPECT_TRUE(read.contains(12)) << "killed before it had read anything";
  EXPECT_TRUE(read.contains(0)) << "killed while it signed";
}

TEST(ReleaseKilled, RoleIsMadeWholeTheSecondTime) {  // IMG-17
  for (unsigned step = 1;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const test::ReleaseWorkspace ws(memory.path() / "ws");
    const sim::Death death = sim::run_until_step(step, [&] { return ws.init_role({0, 1}, 2).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    ASSERT_TRUE(ws.read());
    const auto again = ws.init_role({0, 1}, 2);
    ASSERT_TRUE(again) << explain(again.error());
    EXPECT_TRUE(ws.listed(2).empty());
    if (death == sim::Death::Finished) break;
  }
}

TEST(ReleaseKilled, GrowthShowsTheOldBinsOrTheNew) {  // IMG-17
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const test::ReleaseWorkspace ws(memory.path() / "ws");
    ASSERT_TRUE(ws.init_role({0, 1}, 1));
    ASSERT_TRUE(ws.apply({ws.artifact("a", "a"), ws.artifact("b", "b"), ws.artifact("c", "c")}));
    const auto before = ws.listed(1);
    const sim::Death death = sim::run_until_step(step, [&] { return ws.grow(3).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const std::uint32_t bits = ws.bits();
    ASSERT_TRUE(bits == 1 || bits == 3) << bits;
    EXPECT_EQ(ws.listed(bits), before);
    const auto again = ws.grow(3);
    ASSERT_TRUE(again) << explain(again.error());
    EXPECT_EQ(again->state, bits == 3 ? GrowOutcome::State::Unchanged : GrowOutcome::State::Grown);
    EXPECT_EQ(ws.listed(3), before);
    EXPECT_TRUE(ws.bundles().empty());
    repository::FolderTransport folder(ws.repo());
    const auto health = check_repository(folder, kNow, {});
    ASSERT_TRUE(health && health->healthy());
    ASSERT_TRUE(ws.apply({ws.artifact("d", "d")}));
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 30U);
}

}  // namespace
}  // namespace cotter::app
