#include "server/repository/snapshot_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::repository {
namespace {

using test::kNow;

TEST(SnapshotAhead, GivesTheOneThatTheTimestampSpeaksOfOnce) {
  const test::TestWorkspace ws;
  const auto set = ws.read();
  ASSERT_TRUE(set);
  SnapshotAhead ahead(ws.repo());
  const auto content = ahead.take();
  ASSERT_TRUE(content);
  EXPECT_TRUE(content->place_in(set->snapshot()->wire()));
  EXPECT_FALSE(ahead.take());
}

TEST(SnapshotAhead, GivesNothingWhereItCouldNotRead) {
  const test::TestWorkspace ws;
  EXPECT_FALSE(SnapshotAhead(ws.repo() / "nowhere").take());
  const std::string snapshot = test::content_of(ws.repo() / "1.snapshot.json");
  test::write(ws.repo() / "1.snapshot.json", snapshot + "}");
  EXPECT_FALSE(SnapshotAhead(ws.repo()).take());
  test::write(ws.repo() / "1.snapshot.json", snapshot);
  EXPECT_TRUE(SnapshotAhead(ws.repo()).take());
  for (const char* timestamp : {"", "{}", R"({"signed":{"meta":{"snapshot.json":{"version":"1"}}}})"}) {
    test::write(ws.repo() / "timestamp.json", timestamp);
    EXPECT_FALSE(SnapshotAhead(ws.repo()).take()) << timestamp;
  }
}

// What it is for: more than a client takes of a snapshot that no timestamp gives a length for.
TEST(SnapshotAhead, ReadsALargeOne) {
  const test::ReleaseWorkspace ws;
  const auto made = ws.init_role({0, 1}, 12);
  ASSERT_TRUE(made) << explain(made.error());
  const auto set = ws.read();
  ASSERT_TRUE(set);
  ASSERT_GT(set->snapshot()->wire().size(), image_policy().limits.snapshot_bytes);
  const auto content = SnapshotAhead(ws.repo()).take();
  ASSERT_TRUE(content);
  EXPECT_TRUE(content->place_in(set->snapshot()->wire()));
}

TEST(SnapshotAhead, LeavesNoTraceInWhatIsRead) {
  const test::TestWorkspace ws;
  SnapshotAhead of_nothing(ws.repo() / "nowhere"), own(ws.repo());
  FolderTransport folder(ws.repo());
  const auto plain = read_as_client(ws.repo(), kNow);
  ASSERT_TRUE(plain);
  for (SnapshotAhead* ahead : {&own, &of_nothing}) {
    const auto set = read_as_client(folder, *ahead, kNow);
    ASSERT_TRUE(set) << explain(set.error());
    EXPECT_TRUE(std::ranges::equal(set->snapshot()->wire(), plain->snapshot()->wire()));
    EXPECT_TRUE(std::ranges::equal(set->targets()->wire(), plain->targets()->wire()));
  }
}

TEST(SnapshotAhead, IsJudgedAsAnyOther) {
  const test::TestWorkspace ws;
  std::string snapshot = test::content_of(ws.repo() / "1.snapshot.json");
  const std::size_t digit = snapshot.find("\"sig\":\"") + 7;
  snapshot[digit] = snapshot[digit] == '0' ? '1' : '0';
  test::write(ws.repo() / "1.snapshot.json", snapshot);
  SnapshotAhead ahead(ws.repo());
  FolderTransport folder(ws.repo());
  const auto set = read_as_client(folder, ahead, kNow);
  ASSERT_FALSE(set);
  EXPECT_NE(summary(set.error()).find("snapshot-hash-wrong"), std::string::npos) << summary(set.error());
}

}  // namespace
}  // namespace cotter::repository
