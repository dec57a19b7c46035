#include "tests/replay/catalogue.h"

#include <algorithm>

#include "common/host/output.h"
#include "tests/replay/fitness.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;
using scenario::Scenario;

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

json::Array array_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

bool holds_scenarios(const fs::path& folder) {
  std::error_code gone;
  return std::ranges::any_of(fs::directory_iterator(folder, gone),
                             [](const auto& entry) { return entry.path().extension() == ".json"; });
}

}  // namespace

Result<fs::path> scenario_folder(const std::string& given) {
  std::error_code gone;
  const fs::path program = fs::read_symlink("/proc/self/exe", gone);
  std::vector<fs::path> places = {program.parent_path() / "../share/cotter/scenarios",
                                  scenario::source_folder()};
  if (!given.empty()) places = {given};
  for (const fs::path& place : places) {
    if (holds_scenarios(place)) return fs::weakly_canonical(place, gone);
  }
  return fault(Fault::Kind::NotFound, "there are no scenarios in " + places.back().string(),
               "name their folder: --scenarios DIR");
}

Result<std::vector<Scenario>> load_scenarios(const fs::path& folder, const std::vector<std::string>& names) {
  std::vector<Scenario> all;
  for (const fs::path& file : scenario::all_files(folder)) {
    if (names.empty() || std::ranges::count(names, file.stem().string()) > 0)
      all.push_back(TRY(scenario::read(file)));
  }
  for (const std::string& name : names) {
    if (std::ranges::count(all, name, &Scenario::name) > 0) continue;
    return fault(Fault::Kind::NotFound, "there is no scenario " + name, "cotter-replay list names them all");
  }
  return all;
}

std::string attack_of(const Scenario& scenario) {
  if (scenario.looks_like) return std::string(name_of(*scenario.looks_like));
  const auto rule = rule_named(scenario.rule);
  return std::string(name_of(rule ? rule_of(*rule).attack : Attack::None));
}

json::Object describe(const Scenario& scenario) {
  json::Object all{{"name", scenario.name},
                   {"attack", attack_of(scenario)},
                   {"ids", array_of(scenario.ids)},
                   {"state", scenario.waiting() ? "waiting" : "ready"},
                   {"must", scenario.must},
                   {"why", scenario.why},
                   {"attacker_holds", array_of(scenario.attacker_holds)},
                   {"for", array_of(addressees(scenario))}};
  if (!scenario.rule.empty()) all.set("rule", scenario.rule);
  if (scenario.waiting()) all.set("waits_for", scenario.waits_for);
  if (scenario.matrix) {
    all.set("matrix", json::Object{{"row", scenario.matrix->row}, {"column", scenario.matrix->column}});
  }
  return all;
}

void print_list(const std::vector<Scenario>& scenarios, bool as_json) {
  if (as_json) {
    json::Array all;
    for (const Scenario& scenario : scenarios) all.emplace_back(describe(scenario));
    host::print_json(all);
    return;
  }
  host::Table table({"scenario", "attack", "ids", "matrix", "state", "for", "the client must"});
  for (const Scenario& scenario : scenarios) {
    const std::string cell = scenario.matrix ? scenario.matrix->row + ": " + scenario.matrix->column : "";
    table.add_row({scenario.name, attack_of(scenario), joined(scenario.ids), cell,
                   scenario.waiting() ? "waiting for " + scenario.waits_for : "ready",
                   joined(addressees(scenario)), scenario.must});
  }
  table.print();
}

}  // namespace cotter::replay
