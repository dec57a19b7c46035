#include "server/repository/next_snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/repository/publisher.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::repository {
namespace {

using test::kNow;

TEST(NextSnapshot, IsMadeAndReadAsItWillBePublished) {
  const test::TestWorkspace ws;
  const auto published = ws.read();
  ASSERT_TRUE(published);
  const model::Snapshot& last = **published->snapshot();
  const UtcTime expires = kNow + std::chrono::days(1);
  model::FileMeta meta;
  meta.version = Version(7);
  const NextSnapshot::Listed listed{{RoleName("fw-1"), meta}};
  NextSnapshot next(last, Version(9), expires, listed);
  const trust::Draft<model::Snapshot> same(next_snapshot(last, Version(9), expires, listed));
  EXPECT_TRUE(std::ranges::equal(next.draft().canonical(), same.canonical()));
  ASSERT_EQ(next.listed().size(), 1U);
  EXPECT_EQ(next.listed().begin()->first, RoleName("fw-1"));
  for (const auto& key : ws.keys.snapshot) ASSERT_TRUE(next.draft().sign(*key));
  const auto content = next.take_content();
  ASSERT_TRUE(content);
  EXPECT_TRUE(content->place_in(next.draft().wire()));
  EXPECT_FALSE(next.take_content());
}

TEST(NextSnapshot, MayBeLeftAsItIs) {
  const test::TestWorkspace ws;
  const auto published = ws.read();
  ASSERT_TRUE(published);
  const NextSnapshot next(**published->snapshot(), Version(2), kNow, {});
}

}  // namespace
}  // namespace cotter::repository
