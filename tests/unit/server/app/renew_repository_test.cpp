#include "server/app/renew_repository.h"

#include <gtest/gtest.h>

#include <future>

#include "server/app/keeper.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::app {
namespace {

using test::kNow;
using namespace std::chrono_literals;

class Renew : public testing::Test {
 protected:
  [[nodiscard]] Result<std::optional<PublishedVersions>> renew(UtcTime now) const {
    return renew_repository(ws_.workspace(), signers(), now);
  }
  [[nodiscard]] OnlineSignersFor signers() const {
    return [this](const model::Root&) { return Result<OnlineSigners>(ws_.keys.online()); };
  }
  test::TestWorkspace ws_;
};

TEST_F(Renew, DoesNothingWhileAQuarterOfTheLifeIsLeft) {
  const auto renewed = renew(kNow + 18h);
  ASSERT_TRUE(renewed) << explain(renewed.error());
  EXPECT_FALSE(*renewed);
}

TEST_F(Renew, SignsTheTimestampAnewAndLeavesTheRest) {
  const auto renewed = renew(kNow + 19h);
  ASSERT_TRUE(renewed && *renewed);
  EXPECT_EQ((*renewed)->timestamp, Version(2));
  EXPECT_EQ((*renewed)->snapshot, Version(1));
  const auto set = ws_.read(kNow + 19h);
  ASSERT_TRUE(set) << explain(set.error());
  EXPECT_EQ((*set->timestamp())->expires, kNow + 19h + 24h);
}

TEST_F(Renew, SignsTheSnapshotAnewInItsLastQuarter) {
  const UtcTime later = kNow + std::chrono::days(6);
  const auto renewed = renew(later);
  ASSERT_TRUE(renewed && *renewed) << explain(renewed.error());
  EXPECT_EQ((*renewed)->snapshot, Version(2));
  EXPECT_EQ((*renewed)->targets, Version(1));
  EXPECT_TRUE(ws_.read(later + 23h));
}

TEST_F(Renew, CannotSaveTargetsThatHaveExpired) {
  const auto renewed = renew(kNow + std::chrono::days(91));
  ASSERT_FALSE(renewed);
  EXPECT_EQ(rejection_in(renewed.error())->rule, RuleId::TargetsExpired);
}

TEST_F(Renew, SignsNothingAfterAnOlderCopyThatWasPutBack) {
  const std::string old = test::content_of(ws_.repo() / "timestamp.json");
  ASSERT_TRUE(renew(kNow + 19h).value());
  const std::string newest = test::content_of(ws_.repo() / "timestamp.json");
  const UtcTime later = kNow + std::chrono::days(6);
  test::write(ws_.repo() / "timestamp.json", old);
  const auto renewed = renew(later);
  ASSERT_FALSE(renewed);
  EXPECT_TRUE(is_fault(renewed.error(), Fault::Kind::Conflict)) << explain(renewed.error());
  EXPECT_EQ(test::content_of(ws_.repo() / "timestamp.json"), old);

  test::write(ws_.repo() / "timestamp.json", newest);
  const auto again = renew(later);
  ASSERT_TRUE(again && *again) << explain(again.error());
  EXPECT_EQ((*again)->timestamp, Version(3)) << "nothing was spent";
}

TEST_F(Renew, KeeperStartsAtOnceAndStopsWhenItGoes) {
  std::promise<bool> first;
  {
    Keeper keeper([&] {
      const auto renewed = renew(kNow + std::chrono::days(2));
      first.set_value(renewed && *renewed);
    });
    EXPECT_TRUE(first.get_future().get());
  }
  EXPECT_TRUE(ws_.read(kNow + std::chrono::days(2)));
}

}  // namespace
}  // namespace cotter::app
