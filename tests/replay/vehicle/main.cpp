// cotter-replay-vehicle: our own vehicle behind the attack kit's contract (docs/attack-kit.md).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "common/host/output.h"
#include "common/host/process.h"
#include "tests/replay/vehicle/vehicle.h"

namespace {

using namespace cotter;

struct Options {
  std::string programs;
  std::string dir;
  std::string what;  ///< an ECU's serial, or a file
};

void print_abilities() {
  host::print_json_line(json::Object{
      {"client", "cotter-primary " COTTER_VERSION},
      {"contract", 1},
      {"abilities", json::Array{"alter-slot", "bus", "damage", "names-rules", "restart", "time", "trusted"}},
  });
}

Result<int> play(const std::string& verb, const Options& options) {
  auto vehicle = TRY(replay::OwnVehicle::open(options.dir, options.programs));
  if (verb == "init") TRY(vehicle.init());
  if (verb == "update") return vehicle.update();
  if (verb == "state") host::print_json_line(TRY(vehicle.state()));
  if (verb == "bus") TRY(vehicle.bus(options.what));
  if (verb == "damage") TRY(vehicle.damage(options.what));
  if (verb == "alter-slot") TRY(vehicle.alter_slot(options.what));
  return 0;  // restart: every update powers its ECUs up anew
}

int run(int argc, char** argv) {
  Options options;
  options.programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  CLI::App app("Our own vehicle behind the contract of cotter-replay: a real primary, real secondaries.",
               "cotter-replay-vehicle");
  app.set_version_flag("--version", "cotter-replay-vehicle " COTTER_VERSION);
  app.add_option("--programs", options.programs, "where cotter-primary and cotter-secondary lie")
      ->type_name("DIR");
  app.require_subcommand(1);
  app.add_subcommand("abilities", "what this client can be asked for, as JSON");
  for (const auto& [verb, text] :
       {std::pair("init", "make the vehicle that DIR/vehicle.json describes"),
        std::pair("update", "one update cycle"), std::pair("state", "what runs, as JSON"),
        std::pair("restart", "power off and on")}) {
    app.add_subcommand(verb, text)->add_option("DIR", options.dir)->required();
  }
  for (const auto& [verb, what, text] :
       {std::tuple("bus", "SERIAL", "serve an ECU's socket, and say where"),
        std::tuple("alter-slot", "SERIAL", "change a byte of what an ECU has staged"),
        std::tuple("damage", "FILE", "turn a stored file of the primary's into rubbish: image/timestamp")}) {
    CLI::App* command = app.add_subcommand(verb, text);
    command->add_option("DIR", options.dir)->required();
    command->add_option(what, options.what)->required();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return app.exit(stop) == 0 ? 0 : static_cast<int>(host::Exit::Usage);
  }
  const std::string verb = app.get_subcommands().front()->get_name();
  if (verb == "abilities") {
    print_abilities();
    return 0;
  }
  const auto code = play(verb, options);
  return code ? *code : host::finish(code);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& trouble) {
    fmt::print(stderr, "error: {}\n", trouble.what());
    return static_cast<int>(host::Exit::Failed);
  }
}
