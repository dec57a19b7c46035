// What a run is handed over as: a scorecard for people, JSON and JUnit XML for machines. Never judges. Values
// only.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/json/value.h"
#include "tests/replay/client.h"
#include "tests/replay/verdict.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {

struct Scorecard {
  std::string client;
  Protocol protocol = Protocol::Uptane;
  UtcTime at{};
  std::vector<scenario::Scenario> scenarios;
  std::vector<Verdict> verdicts;  ///< one for each scenario

  [[nodiscard]] std::size_t count(Outcome outcome) const;
  /// "N scenarios: A as required, F fooled, W waiting"
  [[nodiscard]] std::string last_line() const;
};

json::Object as_json(const Scorecard& card);
std::string as_junit(const Scorecard& card);
/// The table, what was not asked and why, and the last line.
void print(const Scorecard& card);
/// By the ending of its name: .json or .xml. Faults: Usage (another ending), of writing.
Result<void> check_report_name(const std::filesystem::path& file);
Result<void> write_report(const Scorecard& card, const std::filesystem::path& file);

}  // namespace cotter::replay
