#include "tests/replay/server_self_test.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/replay/server_stand.h"
#include "tests/sim/temp_dir.h"

namespace cotter::replay {
namespace {

using scenario::Scenario;

/// A vehicle of its own for each server: what a weak one believes of it would stand in the way of the next.
Result<std::vector<Verdict>> play(ServerStand& stand, const std::string& vin, const std::string& rule,
                                  const std::vector<Scenario>& scenarios) {
  ServerOptions options = TRY(stand.enroll(vin, false));
  std::map<std::string, std::string> environment;
  if (!rule.empty()) environment["COTTER_MUTANT"] = rule;
  options.url = TRY(stand.start(true, environment));
  auto verdicts = run_against_server(options, scenarios, [](const Verdict&) {});
  stand.stop();
  return verdicts;
}

RuleCatch judged(const std::string& rule, const std::vector<Verdict>& weak,
                 const std::vector<Verdict>& whole) {
  RuleCatch best{rule, Catch::Missed, "", ""};
  for (std::size_t i = 0; i < weak.size(); ++i) {
    if (weak[i].outcome != Outcome::Fooled || whole[i].outcome != Outcome::AsRequired) continue;
    const bool by_name = weak[i].finding->lapse == Lapse::Unnamed;
    if (by_name && best.caught != Catch::Missed) continue;
    best = {rule, by_name ? Catch::ByName : Catch::ByDeed, weak[i].scenario,
            fmt::format("{}: {}", name_of(weak[i].finding->lapse), weak[i].finding->what)};
    if (!by_name) break;
  }
  return best;
}

}  // namespace

Result<void> self_test_servers(const std::filesystem::path& weak, const std::vector<Scenario>& scenarios,
                               std::vector<RuleCatch>& catches) {
  const sim::TempDir folder;
  ServerStand stand = TRY(ServerStand::build(folder.path() / "stand", weak));
  int number = 0;
  for (RuleCatch& each : catches) {
    if (each.caught != Catch::ByServer) continue;
    std::vector<Scenario> naming;
    std::ranges::copy_if(scenarios, std::back_inserter(naming), [&](const Scenario& scenario) {
      return !scenario.waiting() && scenario.rule == each.rule;
    });
    const std::string vin = fmt::format("RULE-{}", ++number);
    const auto without = TRY(play(stand, vin, each.rule, naming));
    const auto with = TRY(play(stand, vin + "-CONTROL", "", naming));
    each = judged(each.rule, without, with);
  }
  return {};
}

}  // namespace cotter::replay
