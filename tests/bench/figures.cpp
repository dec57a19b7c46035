#include "tests/bench/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/host/output.h"

namespace cotter::bench {
namespace {

std::string shown(double value, Unit unit) {
  const auto whole = static_cast<std::uint64_t>(std::llround(value));
  switch (unit) {
    case Unit::Microseconds:
      return fmt::format("{:.2f} ms", value / 1000);
    case Unit::Bytes:
      return host::human_bytes(whole);
    case Unit::PerSecond:
      return fmt::format("{} /s", whole);
    case Unit::BytesPerSecond:
      return host::human_bytes(whole) + "/s";
    case Unit::Count:
      break;
  }
  return value == std::floor(value) ? std::to_string(whole) : fmt::format("{:.1f}", value);
}

std::string_view name_of(Unit unit) {
  switch (unit) {
    case Unit::Microseconds:
      return "microseconds";
    case Unit::Bytes:
      return "bytes";
    case Unit::PerSecond:
      return "per_second";
    case Unit::BytesPerSecond:
      return "bytes_per_second";
    case Unit::Count:
      break;
  }
  return "count";
}

}  // namespace

double median(std::vector<double> values) {
  COTTER_ASSERT(!values.empty());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Figure compared(std::string name, Unit unit, std::string baseline_name, const std::vector<Pair>& pairs) {
  std::vector<double> ours;
  std::vector<double> baselines;
  std::vector<double> ratios;
  for (const Pair& pair : pairs) {
    ours.push_back(pair.ours);
    baselines.push_back(pair.baseline);
    ratios.push_back(pair.ours / pair.baseline);
  }
  return {std::move(name),   unit,           median(ours), std::move(baseline_name),
          median(baselines), median(ratios), std::nullopt};
}

Figure counted(std::string name, Unit unit, double ours) {
  Figure figure;
  figure.name = std::move(name);
  figure.unit = unit;
  figure.ours = ours;
  return figure;
}

Figure with_limit(Figure figure, const std::string& goal, double at_most) {
  figure.goal =
      Goal{fmt::format("{}: at most {}", goal, shown(at_most, figure.unit)), figure.ours <= at_most};
  return figure;
}

Figure beside(Figure figure, std::string baseline_name, double baseline) {
  figure.baseline_name = std::move(baseline_name);
  figure.baseline = baseline;
  figure.ratio = figure.ours / baseline;
  return figure;
}

std::vector<std::string> missed(const Figures& figures) {
  std::vector<std::string> lines;
  for (const Figure& figure : figures) {
    if (!figure.goal || figure.goal->met) continue;
    const std::string got =
        figure.ratio ? fmt::format("{:.2f} times", *figure.ratio) : shown(figure.ours, figure.unit);
    lines.push_back(figure.name + ": " + figure.goal->text + ", and it is " + got);
  }
  return lines;
}

void print_table(std::string_view bench, const Figures& figures) {
  host::Table table({std::string(bench), "ours", "baseline", "", "ratio", "goal"});
  for (const Figure& figure : figures) {
    const bool has_baseline = !figure.baseline_name.empty();
    table.add_row({figure.name, shown(figure.ours, figure.unit),
                   has_baseline ? shown(figure.baseline, figure.unit) : "-", figure.baseline_name,
                   figure.ratio ? fmt::format("{:.2f}", *figure.ratio) : "-",
                   figure.goal ? figure.goal->text + (figure.goal->met ? ", met" : ", MISSED") : ""});
  }
  table.print();
}

json::Value as_json(const Figures& figures) {
  json::Array rows;
  for (const Figure& figure : figures) {
    json::Object row{{"figure", figure.name},
                     {"unit", name_of(figure.unit)},
                     {"value", static_cast<std::int64_t>(std::llround(figure.ours))}};
    if (!figure.baseline_name.empty()) {
      row.set("baseline", figure.baseline_name);
      row.set("baseline_value", static_cast<std::int64_t>(std::llround(figure.baseline)));
    }
    if (figure.ratio)
      row.set("ratio_thousandths", static_cast<std::int64_t>(std::llround(*figure.ratio * 1000)));
    if (figure.goal) {
      row.set("goal", figure.goal->text);
      row.set("met", figure.goal->met);
    }
    rows.emplace_back(std::move(row));
  }
  return rows;
}

}  // namespace cotter::bench
