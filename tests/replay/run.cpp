#include "tests/replay/run.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "common/host/output.h"
#include "common/json/strict_reader.h"
#include "tests/replay/child.h"
#include "tests/replay/fitness.h"
#include "tests/replay/play.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/process.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kLongestScenario(20);

Verdict without_play(const std::string& scenario, Outcome outcome, std::string why) {
  Verdict verdict;
  verdict.scenario = scenario;
  verdict.outcome = outcome;
  verdict.why = std::move(why);
  return verdict;
}

std::vector<std::string> words_for(const RunOrder& order, const Abilities& abilities,
                                   const std::string& scenario, const fs::path& folder) {
  std::vector<std::string> words = {
      "play",        scenario,
      "--client",    order.client.command,
      "--protocol",  std::string(name_of(order.client.protocol)),
      "--clock",     order.client.clock == ClockBy::Faketime ? "faketime" : "env",
      "--limit",     std::to_string(order.client.limit.count()),
      "--scenarios", order.scenarios.string(),
      "--folder",    folder.string()};
  for (const std::string& ability : abilities.all) words.insert(words.end(), {"--ability", ability});
  if (order.client.single_slot) words.emplace_back("--single-slot");
  return words;
}

Verdict verdict_on(const RunOrder& order, const Abilities& abilities, const scenario::Scenario& scenario) {
  if (scenario.waiting())
    return without_play(scenario.name, Outcome::Waiting, "waits for " + scenario.waits_for);
  if (auto why = unfit(scenario, order.client.protocol, abilities)) {
    return without_play(scenario.name, Outcome::NotAsked, std::move(*why));
  }
  if (order.client.single_slot && needs_a_spare_slot(scenario)) {
    return without_play(scenario.name, Outcome::NotAsked, "is about ECUs with a spare slot");
  }
  return play_apart(order, abilities, scenario.name);
}

}  // namespace

Verdict play_apart(const RunOrder& order, const Abilities& abilities, const std::string& scenario) {
  sim::TempDir temporary;
  fs::path folder = temporary.path();
  if (!order.keep.empty()) {
    folder = order.keep / scenario;
    std::error_code failed;
    fs::remove_all(folder, failed);
    fs::create_directories(folder, failed);
  }
  const world::Command command{fs::read_symlink("/proc/self/exe"),
                               words_for(order, abilities, scenario, folder), order.environment,
                               folder / "kit.log"};
  const auto ended = world::run(command, kLongestScenario);
  const auto said = ended ? json::read(as_bytes(ended->out)) : Result<json::Value>(fail(ended.error()));
  auto verdict = said ? Verdict::decode(*said) : Result<Verdict>(fail(said.error()));
  if (verdict) return std::move(*verdict);
  return without_play(scenario, Outcome::Trouble,
                      "the kit itself failed: " +
                          (ended ? "exit code " + std::to_string(ended->exit_code) : summary(ended.error())));
}

Result<Abilities> ask_abilities(const ClientOrder& client) {
  if (client.protocol == Protocol::Tuf)
    return Abilities{client.command, {}};  // its contract has no such verb
  const sim::TempDir folder;
  Client asked = TRY(Client::create(client, folder.path(), *parse_utc("2030-01-01T00:00:00Z")));
  return asked.abilities();
}

std::vector<Verdict> play_all(const RunOrder& order, const Abilities& abilities,
                              const std::vector<scenario::Scenario>& scenarios,
                              const std::function<void(const Verdict&)>& seen) {
  std::vector<Verdict> verdicts(scenarios.size());
  std::atomic<std::size_t> next = 0;
  std::mutex telling;
  const auto work = [&] {
    for (std::size_t i = next++; i < scenarios.size(); i = next++) {
      verdicts[i] = verdict_on(order, abilities, scenarios[i]);
      const std::lock_guard lock(telling);
      seen(verdicts[i]);
    }
  };
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < std::min(order.jobs, scenarios.size()); ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  return verdicts;
}

int play_one(const ClientOrder& order, const Abilities& abilities, const scenario::Scenario& scenario,
             const fs::path& folder) {
  adopt_strays();
  auto play = Play::create(scenario, order, abilities, folder);
  const Verdict verdict =
      play ? (*play)->run() : without_play(scenario.name, Outcome::Trouble, summary(play.error()));
  kill_strays();
  host::print_json_line(verdict.encode());
  return 0;
}

}  // namespace cotter::replay
