#include "tests/replay/self_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "common/host/output.h"
#include "tests/replay/fitness.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;
using scenario::Scenario;

constexpr const char* kSwitch = "COTTER_MUTANT";
const std::vector<std::string> kCoreAlone = {"core"};

/// Whether the scenario's rule, or that of a step, is this one.
bool names(const json::Value& value, const std::string& rule) {
  if (const auto* array = value.as_array()) {
    return std::ranges::any_of(*array, [&](const json::Value& each) { return names(each, rule); });
  }
  const auto* object = value.as_object();
  return object != nullptr && std::ranges::any_of(*object, [&](const json::Member& member) {
           if (member.key == "reject") return member.value == json::Value(rule);
           return names(member.value, rule);
         });
}

class WeakClients {
 public:
  WeakClients(const RunOrder& order, const fs::path& weak) : order_(order) {
    const fs::path ours = fs::read_symlink("/proc/self/exe").parent_path();
    vehicle_.command =
        fmt::format("'{}' --programs '{}'", (ours / "cotter-replay-vehicle").string(), weak.string());
    tuf_.command = fmt::format("'{}'", (weak / "cotter-tuf").string());
    tuf_.protocol = Protocol::Tuf;
  }

  RuleCatch put_to(const std::string& rule, const std::vector<const Scenario*>& scenarios) {
    RuleCatch best{rule, Catch::MemoryOnly, "", ""};
    const bool servers =
        std::ranges::all_of(scenarios, [](const Scenario* each) { return is_for_servers(*each); });
    if (servers) best.caught = Catch::ByServer;
    for (const ClientOrder* client : {&vehicle_, &tuf_}) {
      for (const Scenario* each : scenarios) {
        if (unfit(*each, client->protocol, abilities_)) continue;
        const bool for_whole_clients = client->protocol == Protocol::Tuf || each->heights != kCoreAlone;
        if (for_whole_clients && best.caught == Catch::MemoryOnly) best.caught = Catch::Missed;
        const Verdict verdict = play(*each, *client, rule);
        if (verdict.outcome != Outcome::Fooled || !passes_with_all_rules(*each, *client)) continue;
        const bool by_name = verdict.finding->lapse == Lapse::Unnamed;
        if (by_name && best.caught == Catch::ByName) continue;
        best = {rule, by_name ? Catch::ByName : Catch::ByDeed, each->name,
                fmt::format("{}: {}", name_of(verdict.finding->lapse), verdict.finding->what)};
        if (!by_name) return best;
      }
    }
    return best;
  }

 private:
  [[nodiscard]] Verdict play(const Scenario& scenario, const ClientOrder& client,
                             const std::string& rule) const {
    RunOrder order = order_;
    order.client = client;
    order.client.limit = order_.client.limit;
    order.keep.clear();
    if (!rule.empty()) order.environment[kSwitch] = rule;
    return play_apart(order, abilities_, scenario.name);
  }

  bool passes_with_all_rules(const Scenario& scenario, const ClientOrder& client) {
    const std::string key = std::string(name_of(client.protocol)) + "/" + scenario.name;
    {
      const std::lock_guard lock(guard_);
      if (const auto known = controls_.find(key); known != controls_.end()) return known->second;
    }
    const bool passes = play(scenario, client, "").outcome == Outcome::AsRequired;
    const std::lock_guard lock(guard_);
    return controls_[key] = passes;
  }

  const RunOrder& order_;
  ClientOrder vehicle_, tuf_;
  Abilities abilities_{"the mutants build",
                       {"alter-slot", "bus", "damage", "names-rules", "restart", "time", "trusted"}};
  std::mutex guard_;
  std::map<std::string, bool> controls_;
};

std::string_view in_words(Catch caught) {
  switch (caught) {
    case Catch::ByDeed:
      return "caught";
    case Catch::ByName:
      return "caught, by name";
    case Catch::ByServer:
      return "a server's";
    case Catch::MemoryOnly:
      return "in memory only";
    case Catch::Missed:
      break;
  }
  return "MISSED";
}

}  // namespace

std::vector<RuleCatch> self_test(const RunOrder& order, const fs::path& weak,
                                 const std::vector<Scenario>& scenarios) {
  const std::vector<Rule>& rules = all_rules();
  std::vector<RuleCatch> catches(rules.size());
  WeakClients clients(order, weak);
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> done = 0;
  std::mutex drawing;
  host::Progress bar("switching off", rules.size(), host::Unit::Pieces);
  const auto work = [&] {
    for (std::size_t i = next++; i < rules.size(); i = next++) {
      const std::string rule(rules[i].name);
      std::vector<const Scenario*> naming;
      for (const Scenario& scenario : scenarios) {
        const bool names_it = scenario.rule == rule || names(json::Value(scenario.steps), rule);
        if (!scenario.waiting() && names_it) naming.push_back(&scenario);
      }
      catches[i] = clients.put_to(rule, naming);
      const std::lock_guard lock(drawing);
      bar.advance_to(++done);
    }
  };
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < order.jobs; ++i) workers.emplace_back(work);
  for (std::thread& worker : workers) worker.join();
  return catches;
}

std::size_t print(const std::vector<RuleCatch>& catches, bool as_json) {
  const auto count = [&](Catch kind) {
    return static_cast<std::size_t>(std::ranges::count(catches, kind, &RuleCatch::caught));
  };
  const std::size_t by_deed = count(Catch::ByDeed), by_name = count(Catch::ByName),
                    missed = count(Catch::Missed);
  const std::size_t servers = count(Catch::ByServer), memory = count(Catch::MemoryOnly);
  if (as_json) {
    json::Array rules;
    for (const RuleCatch& each : catches) {
      rules.emplace_back(json::Object{{"rule", each.rule},
                                      {"caught", in_words(each.caught)},
                                      {"scenario", each.scenario},
                                      {"what", each.what}});
    }
    host::print_json(json::Object{{"rules", std::move(rules)},
                                  {"caught", std::uint64_t{by_deed + by_name}},
                                  {"by_name_alone", std::uint64_t{by_name}},
                                  {"missed", std::uint64_t{missed}},
                                  {"servers", std::uint64_t{servers}},
                                  {"in_memory_only", std::uint64_t{memory}}});
    return missed;
  }
  host::Table table({"rule switched off", "", "by the scenario", "what the weak client did"});
  for (const RuleCatch& each : catches) {
    table.add_row({each.rule, std::string(in_words(each.caught)), each.scenario, each.what});
  }
  table.print();
  fmt::print("by name: another check stopped the attack, and the client named that one\n");
  fmt::print("{} rules: {} caught ({} of them by name alone), {} missed, {} a server's, {} in memory only\n",
             catches.size(), by_deed + by_name, by_name, missed, servers, memory);
  std::fflush(stdout);
  return missed;
}

}  // namespace cotter::replay
