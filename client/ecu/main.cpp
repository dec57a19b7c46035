// cotter-secondary: a secondary ECU on a machine with an operating system. Wires the core to its folder and
// to TCP, or makes such a folder.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "client/ecu/config.h"
#include "client/ecu/posix_ecu.h"
#include "client/ecu/provision.h"
#include "common/disk/posix_disk.h"
#include "common/host/logging.h"
#include "common/host/output.h"
#include "common/host/process.h"
#include "common/host/system_clock.h"

namespace cotter::client {
namespace {

struct Options {
  std::string config;
  bool json = false;
  bool no_spare_slot = false;
  std::string verification = "full";
  std::string image_root;
  std::uint64_t counter = 0;
  EcuOrder order;
};

void announce(const std::string& address, bool as_json) {
  if (as_json) {
    host::print_json_line(json::Object{{"listening", address}});
    return;
  }
  fmt::print("listening on {}\n", address);
  std::fflush(stdout);
}

Result<void> run_ecu(const Options& options) {
  disk::PosixDisk disk;
  const host::SystemClock clock;
  const EcuConfig config = TRY(read_ecu_config(options.config));
  const auto ecu = TRY(PosixEcu::open(disk, clock, config));
  Socket listener = TRY(Socket::listen(config.listen.host, config.listen.port));
  announce(fmt::format("{}:{}", config.listen.host, TRY(listener.port())), options.json);
  spdlog::info("ECU {} waits for its primary", config.identity.serial.value());
  return serve(ecu->core(), listener, config.limits);
}

Result<void> run_renew_floor(const Options& options) {
  disk::PosixDisk disk;
  const EcuConfig config = TRY(read_ecu_config(options.config));
  const ReleaseCounter floor = TRY(renew_floor(disk, config, ReleaseCounter(options.counter)));
  host::print_json(json::Object{{"serial", config.identity.serial.value()}, {"floor", floor.value()}});
  return {};
}

Result<void> run_provision(Options& options) {
  disk::PosixDisk disk;
  options.order.verification = TRY(verification_named(options.verification));
  options.order.slots = options.no_spare_slot ? Slots::One : Slots::Two;
  if (!options.image_root.empty()) options.order.image_root = options.image_root;
  host::print_json(TRY(provision_ecu(disk, options.order)));
  return {};
}

void add_provision(CLI::App& app, Options& options, int& exit_code) {
  CLI::App* verb = app.add_subcommand("provision",
                                      "make an ECU's folder, as the factory would; prints its "
                                      "part of the vehicle record");
  EcuOrder& order = options.order;
  verb->add_option("DIR", order.dir, "the folder to make")->required();
  verb->add_option("--vin", order.vin, "the vehicle it goes into")->required();
  verb->add_option("--serial", order.serial, "the ECU's serial number")->required();
  verb->add_option("--hardware-id", order.hardware_id, "what hardware it is")->required();
  verb->add_option("--verification", options.verification, "full or partial")->capture_default_str();
  verb->add_flag("--no-spare-slot", options.no_spare_slot, "no room for a second image: it is streamed over");
  verb->add_option("--director-root", order.director_root, "the director's root to trust")->required();
  verb->add_option("--image-root", options.image_root, "the image repository's root to trust");
  verb->add_option("--image", order.image, "the image it leaves the factory with")->required();
  verb->add_option("--image-name", order.image_name, "that image's name: TEAM/ECU/FILE.ext")->required();
  verb->add_option("--release-counter", order.release_counter, "that image's release counter")
      ->capture_default_str();
  verb->add_option("--listen", order.listen, "where the primary finds it: HOST:PORT")->required();
  verb->add_option("--floor-store", order.floor_store,
                   "where the rollback floor is kept: file:FOLDER, or tpm:TCTI")
      ->capture_default_str();
  verb->callback([&] { exit_code = host::finish(run_provision(options)); });
}

void add_renew_floor(CLI::App& app, Options& options, int& exit_code) {
  CLI::App* verb = app.add_subcommand(
      "renew-floor", "the workshop's way out when the rollback floor of --config cannot be read any more");
  verb->add_option("COUNTER", options.counter, "the lowest release counter that may be installed")
      ->required();
  verb->callback([&] { exit_code = host::finish(run_renew_floor(options)); });
}

int run(int argc, char** argv) {
  Options options;
  int exit_code = 0;
  CLI::App app("A secondary ECU: verifies for itself, installs, reports (Uptane).", "cotter-secondary");
  app.set_version_flag("--version", "cotter-secondary " COTTER_VERSION);
  app.add_option("--config", options.config, "run the ECU that this ecu.toml describes");
  app.add_flag("--json", options.json, "machine-readable output on stdout");
  app.fallthrough();
  app.require_subcommand(0, 1);
  add_provision(app, options, exit_code);
  add_renew_floor(app, options, exit_code);

  if (const int code = host::finish(host::set_up_logging()); code != 0) return code;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() == 0) return app.exit(stop);  // --help, --version
    fmt::print(stderr, "error: {}\nhint: cotter-secondary --help\n", stop.what());
    return static_cast<int>(host::Exit::Usage);
  }
  if (!app.get_subcommands().empty()) return exit_code;
  if (options.config.empty()) {
    fmt::print(stderr, "error: nothing to do\nhint: cotter-secondary --config ecu.toml, or --help\n");
    return static_cast<int>(host::Exit::Usage);
  }
  return host::finish(run_ecu(options));
}

}  // namespace
}  // namespace cotter::client

int main(int argc, char** argv) {
  try {
    return cotter::client::run(argc, argv);
  } catch (const std::exception& bug) {  // out of memory, or a library's: ours does not throw
    fmt::print(stderr, "error: {}\n", bug.what());
    return static_cast<int>(cotter::host::Exit::Failed);
  }
}
