// What a bench measured, beside the baseline of the same run and the goal, as a table or as JSON.
// Never judges a time: on a busy machine only ratios, counts and sizes can be held to a goal. Values only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json/value.h"

namespace cotter::bench {

enum class Unit : std::uint8_t { Microseconds, Bytes, Count, PerSecond, BytesPerSecond };

struct Goal {
  std::string text;  ///< "G8: at most 2"
  bool met = false;
};

struct Figure {
  std::string name;
  Unit unit = Unit::Count;
  double ours = 0;
  std::string baseline_name;  ///< empty: none
  double baseline = 0;
  std::optional<double> ratio;  ///< ours : baseline
  std::optional<Goal> goal;
};
using Figures = std::vector<Figure>;

/// One measurement of each, taken one after the other.
struct Pair {
  double ours = 0, baseline = 0;
};
/// Interleaved pairs: ours, baseline, ours, baseline, …
inline constexpr int kPairs = 7;

double median(std::vector<double> values);
/// The medians of both, and the median of the pairs' ratios.
Figure compared(std::string name, Unit unit, std::string baseline_name, const std::vector<Pair>& pairs);
/// A size or a count, for it does not depend on the machine's mood: met when it is at most this.
Figure counted(std::string name, Unit unit, double ours);
Figure with_limit(Figure figure, const std::string& goal, double at_most);
/// Beside a single measurement of the baseline.
Figure beside(Figure figure, std::string baseline_name, double baseline);

/// The goals that were not met, each with its figure.
std::vector<std::string> missed(const Figures& figures);

void print_table(std::string_view bench, const Figures& figures);
/// Integers only: microseconds, bytes, counts, and ratios in thousandths.
json::Value as_json(const Figures& figures);

}  // namespace cotter::bench
