// cotter-demo: tells the story on the terminal, or as one JSON object.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/process.h"
#include "tests/demo/story.h"

namespace {

using namespace cotter;
namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

/// Where the demo plays: a folder to keep, or one that goes with it.
class Stage {
 public:
  static Result<Stage> at(const std::string& keep) {
    if (!keep.empty()) {
      if (fs::exists(keep) && !fs::is_empty(keep)) {
        return fault(Fault::Kind::Conflict, keep + " is not empty", "name a new folder to keep the demo in");
      }
      return Stage(fs::absolute(keep), true);
    }
    std::string name = (fs::temp_directory_path() / "cotter-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return fail(host::errno_fault("cannot make " + name, errno));
    return Stage(name, false);
  }
  Stage(Stage&& other) noexcept : dir(std::move(other.dir)), kept(std::exchange(other.kept, true)) {}
  Stage& operator=(Stage&&) = delete;
  ~Stage() {
    std::error_code ignored;
    if (!kept) fs::remove_all(dir, ignored);
  }
  fs::path dir;
  bool kept;

 private:
  Stage(fs::path where, bool keep) : dir(std::move(where)), kept(keep) {}
};

json::Object as_json(const demo::Ending& ending, double seconds) {
  json::Array ecus;
  for (const demo::EcuLine& ecu : ending.ecus) {
    ecus.emplace_back(json::Object{{"serial", ecu.serial},
                                   {"hardware_id", ecu.hardware_id},
                                   {"verification", ecu.verification},
                                   {"before", ecu.before},
                                   {"after", ecu.after},
                                   {"confirmed", ecu.confirmed}});
  }
  json::Array attacks;
  for (const demo::AttackLine& attack : ending.attacks) {
    attacks.emplace_back(
        json::Object{{"name", attack.name}, {"refused", attack.refused}, {"rule", attack.rule}});
  }
  return {{"ecus", std::move(ecus)},
          {"attacks", std::move(attacks)},
          {"seconds", std::int64_t{std::lround(seconds)}}};
}

void print_tables(const demo::Ending& ending, double seconds) {
  host::Table ecus({"ECU", "hardware id", "verification", "before", "after", "confirmed by"});
  for (const demo::EcuLine& ecu : ending.ecus) {
    ecus.add_row({ecu.serial, ecu.hardware_id, ecu.verification, ecu.before.substr(0, 12),
                  ecu.after.substr(0, 12),
                  ecu.confirmed ? fmt::format("its own signed report {}", ecu.report) : "nobody"});
  }
  fmt::print("\n");
  std::fflush(stdout);
  ecus.print();
  host::Table attacks({"attack", "refused", "rule", "looks like"});
  for (const demo::AttackLine& attack : ending.attacks) {
    attacks.add_row({attack.name, attack.refused ? "yes" : "NO", attack.rule, attack.attack});
  }
  fmt::print("\n");
  std::fflush(stdout);
  attacks.print();
  fmt::print("\n{:.1f} s\n", seconds);
}

/// What a person types to go on where the demo stopped.
void print_next_steps(const world::World& world, std::FILE* stream) {
  fmt::print(stream, "\nTo go on by hand (the honest update of attack c still waits to be installed):\n");
  for (const auto& [name, value] : world.environment())
    fmt::print(stream, "  export {}=\"{}\"\n", name, value);
  fmt::print(stream, "  env -u COTTER_PASSPHRASE_HOLDER {} -C {} --listen {} &\n",
             world.program("cotterd").string(), world.workspace().string(),
             world.server_url().substr(std::string_view("https://").size()));
  for (const world::EcuPlan& ecu : world.ecus()) {
    if (ecu.primary) continue;
    fmt::print(stream, "  {} --config {}/ecu.toml &\n", world.program("cotter-secondary").string(),
               world.ecu_dir(ecu).string());
  }
  fmt::print(stream, "  {} --config {}/primary.toml --once\n", world.program("cotter-primary").string(),
             world.ecu_dir(world.primary()).string());
  fmt::print(stream, "  {} -C {} vehicle show {}\n", world.program("cotter").string(),
             world.workspace().string(), world.vin());
}

Result<bool> run_demo(const std::string& keep, bool json, const fs::path& programs) {
  const Stage stage = TRY(Stage::at(keep));
  const auto start = Steady::now();
  std::FILE* narration = json ? stderr : stdout;
  const auto tell = [&](const std::string& line) {
    fmt::print(narration, "{:5.1f}  {}\n", std::chrono::duration<double>(Steady::now() - start).count(),
               line);
    std::fflush(narration);
  };
  world::World world(stage.dir, programs, world::demo_vehicle());
  const demo::Ending ending = TRY(demo::Story(world, tell).run());
  const double seconds = std::chrono::duration<double>(Steady::now() - start).count();
  if (json) {
    host::print_json_line(as_json(ending, seconds));
  } else {
    print_tables(ending, seconds);
  }
  if (stage.kept) print_next_steps(world, narration);
  return ending.as_it_should_be(world.ecus());
}

}  // namespace

int main(int argc, char** argv) {
  std::string keep;
  bool json = false;
  CLI::App app("One real update of one vehicle, end to end, and three attacks on it.", "cotter-demo");
  app.add_option("--keep", keep,
                 "leave workspace, vehicle and slots in this new folder, and say how to go on")
      ->type_name("DIR");
  app.add_flag("--json", json, "one JSON object on stdout, the story on stderr");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return app.exit(stop) == 0 ? 0 : static_cast<int>(host::Exit::Usage);
  }
  const auto ended = run_demo(keep, json, fs::read_symlink("/proc/self/exe").parent_path());
  if (!ended) return host::finish(ended);
  return *ended ? 0 : static_cast<int>(host::Exit::Failed);
}
