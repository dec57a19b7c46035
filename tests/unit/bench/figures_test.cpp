#include "tests/bench/figures.h"

#include <gtest/gtest.h>

namespace cotter::bench {
namespace {

Figure held_to(const char* name, double ratio) {
  Figure figure = beside(counted(name, Unit::Microseconds, ratio * 1000), "limit", 1000);
  figure.goal = Goal{"at most 1.5 times", ratio <= 1.5};
  return figure;
}

TEST(Figures, NamesEachGoalThatIsMissedWithWhatItIs) {
  const Figures figures = {counted("no goal", Unit::Bytes, 1e9), held_to("quick", 1.5), held_to("slow", 1.75),
                           with_limit(counted("large", Unit::Bytes, 120'000), "G16", 100'000)};
  EXPECT_EQ(missed(figures), (std::vector<std::string>{"slow: at most 1.5 times, and it is 1.75 times",
                                                       "large: G16: at most 100.0 kB, and it is 120.0 kB"}));
}

TEST(Figures, HasNothingToTellWhereAllGoalsAreMet) {
  EXPECT_TRUE(missed({held_to("quick", 1.5), with_limit(counted("small", Unit::Count, 2), "G8", 2)}).empty());
}

}  // namespace
}  // namespace cotter::bench
