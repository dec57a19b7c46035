#include "server/http/rate_limit.h"

#include <gtest/gtest.h>

#include <string>

namespace cotter::http {
namespace {

using namespace std::chrono_literals;

const std::string kGreedy = "VIN-1";
const std::string kModest = "VIN-2";
const RateLimiter::Instant kStart{1h};

TEST(RateLimiter, LetsAVehicleCallSoOftenAtOnceAndThenOneByOne) {  // ATK-50
  RateLimiter limiter({3, 6});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.take(kGreedy, kStart)) << i;
  EXPECT_EQ(limiter.take(kGreedy, kStart), 10'000ms);
  EXPECT_EQ(limiter.take(kGreedy, kStart + 9'999ms), 1ms);
  EXPECT_FALSE(limiter.take(kGreedy, kStart + 10s));
  EXPECT_TRUE(limiter.take(kGreedy, kStart + 10s));
}

TEST(RateLimiter, NeverMakesOneVehiclePayForAnother) {  // ATK-50
  RateLimiter limiter({1, 1});
  EXPECT_FALSE(limiter.take(kGreedy, kStart));
  EXPECT_TRUE(limiter.take(kGreedy, kStart));
  EXPECT_FALSE(limiter.take(kModest, kStart));
}

TEST(RateLimiter, AsksNothingMoreForACallThatItTurnedAway) {
  RateLimiter limiter({2, 60});
  for (int i = 0; i < 1000; ++i) limiter.take(kGreedy, kStart);
  EXPECT_FALSE(limiter.take(kGreedy, kStart + 1s));
  EXPECT_FALSE(limiter.take(kGreedy, kStart + 2s));
}

TEST(RateLimiter, NeverLetsRestPileUp) {
  RateLimiter limiter({2, 60});
  limiter.take(kGreedy, kStart);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(limiter.take(kGreedy, kStart + 24h)) << i;
  EXPECT_TRUE(limiter.take(kGreedy, kStart + 24h));
}

TEST(RateLimiter, ForgetsVehiclesThatRest) {
  RateLimiter limiter({1, 60});
  for (int i = 0; i < 10'000; ++i) {
    limiter.take(std::string("VIN-" + std::to_string(i)), kStart + i * 10ms);
    EXPECT_LE(limiter.size(), 1026U);
  }
}

}  // namespace
}  // namespace cotter::http
