#include "server/http/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace cotter::http {
namespace {

/// What this process may open, put back afterwards.
class Descriptors : public testing::Test {
 protected:
  Descriptors() { ::getrlimit(RLIMIT_NOFILE, &before_); }
  ~Descriptors() override { ::setrlimit(RLIMIT_NOFILE, &before_); }
  static void allow(rlim_t soft) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = soft;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  rlimit before_{};
};

TEST_F(Descriptors, TheLimitIsRaisedForTheConnectionsThatAreWanted) {
  allow(128);
  const std::size_t fit = connections_that_fit(100);
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_GT(now.rlim_cur, 128U);
  EXPECT_EQ(fit, now.rlim_cur >= 264 ? 100U : (now.rlim_cur - 64) / 2);
}

TEST_F(Descriptors, NeverMoreConnectionsThanThereAreDescriptorsFor) {
  const std::size_t fit = connections_that_fit(std::size_t{1} << 40U);
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_EQ(fit, (now.rlim_cur - 64) / 2);
}

}  // namespace
}  // namespace cotter::http
