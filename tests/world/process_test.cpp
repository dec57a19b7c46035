#include "tests/world/process.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace cotter::world {
namespace {

// A lock that another thread holds at the moment of the fork is never let go in the child.
TEST(Process, StartsWhileOtherThreadsAllocate) {
  std::atomic<bool> done{false};
  std::vector<std::thread> others;
  others.reserve(3);
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      // A thread's first block of a size comes from the store that all threads share.
      const auto allocate = [] {
        std::vector<std::string> blocks;
        for (std::size_t size = 16; size < 4'000; size += 16) blocks.emplace_back(size, 'x');
      };
      while (!done) std::thread(allocate).join();
    });
  }
  std::atomic<int> late{0};
  for (int i = 0; i < 200 && late == 0; ++i) {
    std::thread([&] {
      const auto ended = run({"/bin/true", {"with", "words"}, {{"A", "1"}}, {}}, std::chrono::seconds(5));
      late += ended && ended->exit_code == 0 ? 0 : 1;
    }).join();
  }
  done = true;
  for (std::thread& other : others) other.join();
  EXPECT_EQ(late, 0);
}

TEST(Process, HasOurVariablesAndItsOwnButNotThoseItIsNotToHave) {
  ::setenv("COTTER_TEST_KEPT", "ours", 1);
  ::setenv("COTTER_TEST_CHANGED", "ours", 1);
  ::setenv("COTTER_TEST_TAKEN", "ours", 1);
  const auto ended = run({"/usr/bin/env",
                          {},
                          {{"COTTER_TEST_CHANGED", "its own"}, {"COTTER_TEST_NEW", "a=b"}},
                          {},
                          {"COTTER_TEST_TAKEN"}});
  ASSERT_TRUE(ended) << summary(ended.error());
  const std::string out = "\n" + ended->out;
  EXPECT_NE(out.find("\nCOTTER_TEST_KEPT=ours\n"), std::string::npos) << out;
  EXPECT_NE(out.find("\nCOTTER_TEST_CHANGED=its own\n"), std::string::npos) << out;
  EXPECT_NE(out.find("\nCOTTER_TEST_NEW=a=b\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("COTTER_TEST_CHANGED=ours"), std::string::npos) << out;
  EXPECT_EQ(out.find("COTTER_TEST_TAKEN"), std::string::npos) << out;
}

}  // namespace
}  // namespace cotter::world
