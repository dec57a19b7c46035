// cotter-replay: serves each attack to any client, and judges what it did.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <thread>

#include "common/host/output.h"
#include "common/host/process.h"
#include "common/host/system_clock.h"
#include "tests/replay/catalogue.h"
#include "tests/replay/child.h"
#include "tests/replay/report.h"
#include "tests/replay/run.h"
#include "tests/replay/self_test.h"
#include "tests/replay/serve.h"
#include "tests/replay/server_cli.h"
#include "tests/replay/server_self_test.h"
#include "tests/sim/temp_dir.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string scenarios;
  bool json = false;
  std::vector<std::string> names;
  std::string client;
  std::string protocol = "uptane";
  std::string clock = "faketime";
  std::int64_t limit = 60;
  bool single_slot = false;
  std::vector<std::string> reports;
  std::string keep;
  std::size_t jobs = std::max(2U, 2 * std::thread::hardware_concurrency());  // much of it is waiting
  std::vector<std::string> abilities;
  std::string folder;
  bool self_test = false;
  std::string weak;
  ServeOrder serve;
  ServerArguments server;
};

ClientOrder client_order(const Options& options) {
  ClientOrder order;
  order.command = options.client;
  order.protocol = options.protocol == "tuf" ? Protocol::Tuf : Protocol::Uptane;
  order.clock = options.clock == "env" ? ClockBy::Environment : ClockBy::Faketime;
  order.limit = std::chrono::seconds(options.limit);
  order.single_slot = options.single_slot;
  return order;
}

// --- list -------------------------------------------------------------------------------------------------

Result<void> list(const Options& options) {
  const fs::path folder = TRY(scenario_folder(options.scenarios));
  print_list(TRY(load_scenarios(folder, options.names)), options.json);
  return {};
}

// --- run --------------------------------------------------------------------------------------------------

/// A bar on a terminal, and in a pipe nothing before the scorecard.
class Watcher {
 public:
  explicit Watcher(std::size_t total) : bar_("replaying", total, host::Unit::Pieces) {}
  void saw(const Verdict&) { bar_.advance_to(++seen_); }

 private:
  host::Progress bar_;
  std::size_t seen_ = 0;
};

/// Reports, scorecard, exit code.
Result<host::Exit> hand_over(const Scorecard& card, const Options& options) {
  for (const std::string& report : options.reports) TRY(write_report(card, report));
  if (options.json) {
    host::print_json(as_json(card));
  } else {
    print(card);
  }
  if (card.count(Outcome::Fooled) > 0) return host::Exit::Refused;
  return card.count(Outcome::Trouble) > 0 ? host::Exit::Failed : host::Exit::Done;
}

/// Before all else an update that nobody attacks. Fault: of a client that breaks the contract, once instead
/// of with every scenario. Whether it installs is worth a word: a client that never does refuses every
/// attack.
Result<bool> does_honest_updates(const RunOrder& order, const Abilities& abilities) {
  const std::string name =
      order.client.protocol == Protocol::Tuf ? "image-of-a-supplier" : "update-of-two-ecus";
  if (!fs::exists(order.scenarios / (name + ".json"))) return true;  // somebody's own folder
  const Verdict honest = play_apart(order, abilities, name);
  if (honest.outcome == Outcome::Trouble) {
    return fault(Fault::Kind::Io,
                 "the client cannot be played: " + honest.why +
                     (honest.story.empty() ? "" : " (" + honest.story.back().what + ")"),
                 "the contract is in docs/attack-kit.md; --keep DIR --scenario " + name +
                     " leaves all there is to see");
  }
  return honest.outcome == Outcome::AsRequired;
}

Result<host::Exit> run_client(const Options& options) {
  for (const std::string& report : options.reports) TRY(check_report_name(report));
  RunOrder order;
  order.client = client_order(options);
  order.scenarios = TRY(scenario_folder(options.scenarios));
  order.jobs = options.jobs;
  if (!options.keep.empty()) order.keep = fs::absolute(options.keep);
  const auto scenarios = TRY(load_scenarios(order.scenarios, options.names));
  const Abilities abilities = TRY(ask_abilities(order.client));
  const bool honest = TRY(does_honest_updates(order, abilities));
  Scorecard card{abilities.client, order.client.protocol, host::SystemClock().now(), scenarios, {}};
  {
    Watcher watcher(scenarios.size());
    card.verdicts =
        play_all(order, abilities, scenarios, [&](const Verdict& verdict) { watcher.saw(verdict); });
  }
  if (!honest) {
    fmt::print(stderr,
               "warning: the client does not install an update that nobody attacks: that it refuses others "
               "says little\n");
  }
  return hand_over(card, options);
}

Result<host::Exit> run_server(const Options& options) {
  for (const std::string& report : options.reports) TRY(check_report_name(report));
  const auto scenarios = TRY(load_scenarios(TRY(scenario_folder(options.scenarios)), options.names));
  Scorecard card{options.server.options.url, Protocol::Server, host::SystemClock().now(), scenarios, {}};
  {
    Watcher watcher(scenarios.size());
    card.verdicts =
        TRY(run_as_told(options.server, scenarios, [&](const Verdict& seen) { watcher.saw(seen); }));
  }
  return hand_over(card, options);
}

/// The mutants build's programs, beside our own build unless said otherwise.
Result<fs::path> weak_programs(const Options& options) {
  fs::path folder = options.weak;
  if (folder.empty()) {
    folder =
        fs::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path() / "build-mutants/bin";
  }
  for (const char* program : {"cotter", "cotterd", "cotter-primary", "cotter-secondary", "cotter-tuf"}) {
    if (fs::exists(folder / program)) continue;
    return fault(Fault::Kind::NotFound, "there is no " + (folder / program).string(),
                 "./dev replay --self-test builds the weak client; --weak DIR names it");
  }
  return fs::absolute(folder);
}

Result<host::Exit> run_self_test(const Options& options) {
  const fs::path weak = TRY(weak_programs(options));
  TRY(world::Faketime::find_library());
  RunOrder order;
  order.client = client_order(options);
  order.scenarios = TRY(scenario_folder(options.scenarios));
  order.jobs = options.jobs;
  const auto scenarios = TRY(load_scenarios(order.scenarios, options.names));
  std::vector<RuleCatch> catches = self_test(order, weak, scenarios);
  TRY(self_test_servers(weak, scenarios, catches));
  const std::size_t missed = print(catches, options.json);
  return missed == 0 ? host::Exit::Done : host::Exit::Failed;
}

Result<host::Exit> run(const Options& options) {
  end_children_when_signalled();
  if (options.self_test) return run_self_test(options);
  if (options.client.empty() == !options.server.given()) {
    return fault(Fault::Kind::Usage,
                 options.client.empty() ? "nobody to play against" : "a client and a server",
                 "name one of them: --client CMD, or --server URL (docs/attack-kit.md)");
  }
  if (options.server.given()) return run_server(options);
  return run_client(options);
}

/// What run() starts once for each scenario.
Result<host::Exit> play(const Options& options) {
  end_children_when_signalled();
  const auto scenarios = TRY(load_scenarios(TRY(scenario_folder(options.scenarios)), options.names));
  const Abilities abilities{options.client, {options.abilities.begin(), options.abilities.end()}};
  return static_cast<host::Exit>(
      play_one(client_order(options), abilities, scenarios.front(), options.folder));
}

Result<void> serve_one(Options& options) {
  const auto scenarios = TRY(load_scenarios(TRY(scenario_folder(options.scenarios)), options.names));
  const sim::TempDir temporary;
  if (options.folder.empty()) {
    options.serve.folder = temporary.path();
  } else {
    options.serve.folder = fs::absolute(options.folder);
    std::error_code failed;
    fs::create_directories(options.serve.folder, failed);
  }
  return serve(scenarios.front(), options.serve);
}

// --- the command line -------------------------------------------------------------------------------------

int exit_code(const Result<host::Exit>& ended) {
  return ended ? static_cast<int>(*ended) : host::finish(ended);
}

void add_client_options(CLI::App* verb, Options& options) {
  verb->add_option("--client", options.client, "the client's command, as a shell would run it")
      ->type_name("CMD");
  verb->add_option("--protocol", options.protocol,
                   "uptane: a vehicle; tuf: a client with cotter-tuf's contract")
      ->check(CLI::IsMember({"uptane", "tuf"}))
      ->capture_default_str();
  verb->add_option(
          "--clock", options.clock,
          "how the client learns the scenario's time: faketime, or env when it reads REPLAY_NOW itself")
      ->check(CLI::IsMember({"faketime", "env"}))
      ->capture_default_str();
  verb->add_option("--limit", options.limit, "seconds that one verb of the client may take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_flag("--single-slot", options.single_slot, "secondaries without room for a second image");
}

void add_list(CLI::App& app, Options& options, int& code) {
  CLI::App* verb =
      app.add_subcommand("list", "every scenario: its attack, ids, state, and what the client must do");
  verb->add_option("SCENARIO", options.names, "only these");
  verb->add_flag("--json", options.json, "a JSON array");
  verb->callback([&] { code = host::finish(list(options)); });
}

void add_run(CLI::App& app, Options& options, int& code) {
  CLI::App* verb = app.add_subcommand(
      "run",
      "replay the attacks on a client or a server: 0 all as required, 3 it was fooled, 1 trouble, 2 usage");
  add_client_options(verb, options);
  add_server_options(*verb, options.server);
  verb->add_option("--scenario", options.names, "only this one; may be given again")
      ->type_name("S")
      ->take_all();
  verb->add_option("--report", options.reports,
                   "write a report: FILE.xml JUnit, FILE.json JSON; may be given again")
      ->type_name("FILE")
      ->take_all();
  verb->add_flag("--json", options.json, "the scorecard as JSON on stdout");
  verb->add_option("--jobs", options.jobs, "scenarios at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_option("--keep", options.keep, "leave each scenario's folder, with the client's logs, in DIR")
      ->type_name("DIR");
  verb->add_flag(
      "--self-test", options.self_test,
      "put the kit to the test: a client that lacks one rule must be fooled, for each rule in turn");
  verb->add_option("--weak", options.weak, "the programs of the mutants build, for --self-test")
      ->type_name("DIR");
  verb->callback([&] { code = exit_code(run(options)); });
}

void add_serve(CLI::App& app, Options& options, int& code) {
  CLI::App* verb = app.add_subcommand(
      "serve", "leave the hostile side of a scenario standing, for a client on a bench; Ctrl-C ends it");
  verb->add_option("SCENARIO", options.names)->required()->expected(1);
  verb->add_option("--listen", options.serve.listen, "where: the address that the client reaches")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  verb->add_option("--dir", options.folder, "where vehicle.json, roots and images go, and stay")
      ->type_name("DIR");
  verb->callback([&] { code = host::finish(serve_one(options)); });
}

void add_vehicle_record(CLI::App& app, Options& options, int& code) {
  CLI::App* verb = app.add_subcommand(
      "vehicle-record", "print the vehicle that --server is attacked with, for the server's inventory");
  add_record_options(*verb, options.server);
  verb->callback([&] { code = host::finish(print_vehicle_record(options.server)); });
}

void add_play(CLI::App& app, Options& options, int& code) {
  CLI::App* verb = app.add_subcommand("play", "")->group("");  // run() calls it
  add_client_options(verb, options);
  verb->add_option("SCENARIO", options.names)->required();
  verb->add_option("--ability", options.abilities)->take_all();
  verb->add_option("--folder", options.folder)->required();
  verb->callback([&] { code = exit_code(play(options)); });
}

int run_program(int argc, char** argv) {
  Options options;
  int code = 0;
  CLI::App app("The attack kit: replays attacks on update clients, anyone's, and judges what they did.",
               "cotter-replay");
  app.set_version_flag("--version", "cotter-replay " COTTER_VERSION);
  app.add_option("--scenarios", options.scenarios,
                 "the folder of scenarios; without it those that came with the kit")
      ->type_name("DIR");
  app.fallthrough();
  app.require_subcommand(1);
  add_list(app, options, code);
  add_run(app, options, code);
  add_serve(app, options, code);
  add_vehicle_record(app, options, code);
  add_play(app, options, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() == 0) return app.exit(stop);  // --help, --version
    fmt::print(stderr, "error: {}\nhint: cotter-replay --help\n", stop.what());
    return static_cast<int>(host::Exit::Usage);
  }
  return code;
}

}  // namespace
}  // namespace cotter::replay

int main(int argc, char** argv) {
  try {
    return cotter::replay::run_program(argc, argv);
  } catch (const std::exception& bug) {  // out of memory, or a library's: ours does not throw
    fmt::print(stderr, "error: {}\n", bug.what());
    return static_cast<int>(cotter::host::Exit::Failed);
  }
}
