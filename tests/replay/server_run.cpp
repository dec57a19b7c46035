#include "tests/replay/server_run.h"

#include <algorithm>
#include <csignal>
#include <numeric>

#include "tests/replay/server_player.h"

namespace cotter::replay {
namespace {

using scenario::Scenario;

bool has_verb(const Scenario& scenario, std::string_view verb) {
  return std::ranges::any_of(scenario.steps,
                             [&](const json::Value& step) { return scenario::verb_of(step).key == verb; });
}

/// What leaves the server's patience with this vehicle exhausted comes late, what runs by itself last.
int order_of(const Scenario& scenario) {
  if (has_verb(scenario, "drip")) return 3;
  if (has_verb(scenario, "flood")) return 2;
  return has_verb(scenario, "hold") || has_verb(scenario, "endless") ? 1 : 0;
}

/// Both vehicles are heard and served before anything hostile is sent: else every refusal would count for the
/// server.
Result<void> introduce(Target& target) {
  for (const Who who : {Who::Neighbour, Who::Vehicle}) {
    const Target::Turn turn = target.speak(who);
    const HttpReply reply = target.ask_patiently(target.put_manifest(who, turn.vehicle->manifest()));
    const std::string& vin = turn.vehicle->vin();
    if (reply.status == 0) {
      TRY(target.line(who));
      return fault(Fault::Kind::Network, "the server gives " + vin + " no answer");
    }
    if (reply.status >= 300 || target.assigned(who).empty()) {
      return fault(Fault::Kind::NotFound,
                   "the server does not serve the honest " + vin + ": status " +
                       std::to_string(reply.status) + " " + reply.member("detail"),
                   "put the kit's two vehicles into its inventory: `cotter-replay vehicle-record`");
    }
  }
  return {};
}

void start_drips(Drips& drips, const std::vector<Scenario>& scenarios) {
  for (const Scenario& scenario : scenarios) {
    for (const json::Value& step : scenario.steps) {
      const json::Member& verb = scenario::verb_of(step);
      if (verb.key != "drip") continue;
      for (const std::string& part : scenario::texts(scenario::at(verb.value, "parts"))) drips.start(part);
    }
  }
}

Verdict verdict_of(const Scenario& scenario, const Target& target, ServerPlayer& player) {
  Verdict verdict;
  verdict.scenario = scenario.name;
  if (scenario.waiting()) {
    verdict.outcome = Outcome::Waiting;
    verdict.why = scenario.waits_for;
  } else if (const auto other = not_for(scenario, target)) {
    verdict.outcome = Outcome::NotAsked;
    verdict.why = *other;
  } else {
    verdict = player.play(scenario);
  }
  return verdict;
}

}  // namespace

Result<std::vector<Verdict>> run_against_server(const ServerOptions& options,
                                                const std::vector<Scenario>& scenarios,
                                                const std::function<void(const Verdict&)>& seen) {
  std::signal(SIGPIPE, SIG_IGN);  // a server that closes is an answer
  const auto target = TRY(Target::create(options));
  TRY(introduce(*target));
  Drips drips(*target);
  start_drips(drips, scenarios);
  ServerPlayer player(*target, drips, target->assigned(Who::Vehicle));
  std::vector<std::size_t> places(scenarios.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::ranges::stable_sort(places, {}, [&](std::size_t place) { return order_of(scenarios[place]); });
  std::vector<Verdict> verdicts(scenarios.size());
  for (const std::size_t place : places) {
    verdicts[place] = verdict_of(scenarios[place], *target, player);
    seen(verdicts[place]);
  }
  return verdicts;
}

}  // namespace cotter::replay
