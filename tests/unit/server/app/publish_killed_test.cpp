// kill -9 before each change that a publication makes to the disk (IMG-17).
#include <gtest/gtest.h>

#include <iterator>

#include "server/app/check_repository.h"
#include "server/app/publish_release.h"
#include "server/repository/folder_transport.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/test_workspace.h"

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

}  // namespace
}  // namespace cotter::app
