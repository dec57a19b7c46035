// cotter-primary: the gateway's client. Wires the cycle to its store, its server and its ECUs, or makes such
// a folder.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>

#include "client/ecu/posix_ecu.h"
#include "client/links/loopback_link.h"
#include "client/links/tcp_link.h"
#include "client/primary/config.h"
#include "client/primary/curl_uplink.h"
#include "client/primary/provision.h"
#include "client/primary/update_cycle.h"
#include "client/secondary/posix_time.h"
#include "common/disk/posix_disk.h"
#include "common/host/atomic_file.h"
#include "common/host/logging.h"
#include "common/host/output.h"
#include "common/host/process.h"
#include "common/host/system_clock.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxTimeRecord = 64 * 1024;

struct Options {
  std::string config;
  bool once = false;
  bool json = false;
  std::string image_root;
  PrimaryOrder order;
};

/// A factory's record that storage has damaged gives way to what was read of it before (VER-REC).
Result<void> provision_ecus(PrimaryStore& store, const PrimaryConfig& config) {
  const auto record = read_vehicle_record(config.record, config.identity);
  if (record) return store.provision(*record);
  if (TRY(store.ecus()).empty()) return fail(record.error());
  spdlog::warn("the vehicle's record cannot be read, the last one that could counts on: {}",
               summary(record.error()));
  return {};
}

/// The factory's time is the primary's first floor, as it is that of the ECU it runs on (TIM-9).
Result<void> pin_time(PrimaryStore& store, const std::filesystem::path& ecu_dir) {
  if (TRY(store.time_state())) return {};
  auto record = host::read_file(ecu_dir / "state/time.json", kMaxTimeRecord);
  if (!record && is_fault(record.error(), Fault::Kind::NotFound)) return {};  // of before there was one
  return store.save_time_state(TRY(std::move(record)));
}

Links link_ecus(const PrimaryConfig& config, SecondaryCore& own) {
  Links links;
  for (const auto& [serial, address] : config.addresses) links[serial] = std::make_unique<TcpLink>(address);
  links[config.identity.primary] =
      std::make_unique<LoopbackLink>([&own](const wire::Request& request) { return own.handle(request); });
  return links;
}

json::Object describe(const Error& error) {
  json::Object members{{"summary", summary(error)}};
  if (const Rejection* why = rejection_in(error)) {
    members.set("rule", rule_of(why->rule).name);
    members.set("attack", name_of(why->looks_like()));
  }
  return members;
}

json::Object describe(const CycleOutcome& outcome) {
  json::Array ecus;
  for (const EcuOutcome& ecu : outcome.ecus) {
    ecus.emplace_back(json::Object{{"serial", ecu.ecu.value()},
                                   {"installed", ecu.outcome.installed},
                                   {"code", ecu.outcome.code},
                                   {"text", ecu.outcome.text}});
  }
  json::Object members{{"installed_all", outcome.all_installed()}, {"ecus", std::move(ecus)}};
  if (outcome.stopped) members.set("stopped", describe(*outcome.stopped));
  if (outcome.unreported) members.set("unreported", describe(*outcome.unreported));
  return members;
}

void tell(const CycleOutcome& outcome, bool as_json) {
  if (as_json) {
    host::print_json_line(describe(outcome));
    return;
  }
  for (const EcuOutcome& ecu : outcome.ecus) {
    spdlog::info("{}: {} {}", ecu.ecu.value(), ecu.outcome.code, ecu.outcome.text);
  }
  if (outcome.ecus.empty() && !outcome.stopped) spdlog::info("nothing new");
  if (outcome.stopped) host::print_error(*outcome.stopped);
  if (outcome.unreported) spdlog::warn("not reported: {}", summary(*outcome.unreported));
}

host::Exit exit_of(const CycleOutcome& outcome) {
  if (outcome.stopped) return host::exit_of(*outcome.stopped);
  if (outcome.unreported) return host::exit_of(*outcome.unreported);
  return outcome.all_installed() ? host::Exit::Done : host::Exit::Failed;
}

/// SIGTERM and SIGINT wait until a cycle is done, and then end the wait for the next.
class StopSignals {
 public:
  StopSignals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGTERM);
    ::sigaddset(&set_, SIGINT);
    ::sigprocmask(SIG_BLOCK, &set_, nullptr);
  }
  [[nodiscard]] bool arrive_within(std::chrono::seconds time) const {
    const timespec limit{time.count(), 0};
    return ::sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_{};
};

Result<host::Exit> run_primary(const Options& options) {
  disk::PosixDisk disk;
  const host::SystemClock clock;
  const PrimaryConfig config = TRY(PrimaryConfig::read(options.config));
  EcuConfig ecu_config = TRY(read_ecu_config(config.own_ecu));
  VehicleIdentity identity = config.identity;
  identity.director_root = ecu_config.identity.director_root;
  identity.image_root = ecu_config.identity.image_root;
  const auto own = TRY(PosixEcu::open(disk, clock, std::move(ecu_config)));  // its lock is the primary's lock
  const std::unique_ptr<FloorStore> floors = TRY(open_floors(disk, config.floors));
  PrimaryStore store = TRY(PrimaryStore::open(disk, config.state_dir / "primary.db", *floors));
  TRY(pin_time(store, config.own_ecu.parent_path()));
  TRY(provision_ecus(store, config));
  ImageStore images = TRY(ImageStore::open(disk, config.state_dir));
  CurlSession::Options session;
  session.tls = config.tls;
  CurlSession::Options undated = session;
  undated.dates = CurlSession::Dates::Ignored;
  CurlUplink uplink(TRY(CurlSession::create(std::move(session))),
                    TRY(CurlSession::create(std::move(undated))),
                    {config.director_url, config.image_url, config.image_target_url, config.time_url});
  Links links = link_ecus(config, own->core());
  const PosixUptime uptime;
  SodiumNonces nonces;
  VehicleTime time = TRY(VehicleTime::open({store, links, uplink, uptime, nonces}, config.identity.vin));
  UpdateCycle cycle(std::move(identity),
                    {store, images, links, uplink, time, clock, own->signer(),
                     [&own](const Rejection& rejection) { own->core().note_attack(rejection); }},
                    config.cycle);
  const StopSignals stop;
  for (;;) {
    const CycleOutcome outcome = TRY(cycle.run_once());
    tell(outcome, options.json);
    if (options.once) return exit_of(outcome);
    if (stop.arrive_within(config.poll_every)) return host::Exit::Done;
  }
}

/// The workshop's way out when the floors are lost: they begin at the factory's, and the next cycle raises
/// them to what the ECUs sign that they run.
Result<void> run_renew_floors(const Options& options) {
  disk::PosixDisk disk;
  const PrimaryConfig config = TRY(PrimaryConfig::read(options.config));
  const auto lock = TRY(disk.lock((config.own_ecu.parent_path() / "lock").string()));
  const std::unique_ptr<FloorStore> floors = TRY(open_floors(disk, config.floors));
  TRY(floors->begin_anew());
  for (const KnownEcu& ecu : TRY(read_vehicle_record(config.record, config.identity))) {
    TRY(floors->raise(release_floor_of(ecu.serial), ecu.floor.value()));
  }
  host::print_json(json::Object{{"renewed", true}});
  return {};
}

Result<void> run_provision(Options& options) {
  disk::PosixDisk disk;
  if (!options.image_root.empty()) options.order.ecu.image_root = options.image_root;
  host::print_json(TRY(provision_primary(disk, options.order)));
  return {};
}

void add_provision(CLI::App& app, Options& options, int& exit_code) {
  CLI::App* verb = app.add_subcommand(
      "provision", "make a primary's folder, as the factory would; prints its part of the vehicle record");
  PrimaryOrder& order = options.order;
  verb->add_option("DIR", order.ecu.dir, "the folder to make")->required();
  verb->add_option("--vin", order.ecu.vin, "the vehicle it goes into")->required();
  verb->add_option("--serial", order.ecu.serial, "the ECU's serial number")->required();
  verb->add_option("--hardware-id", order.ecu.hardware_id, "what hardware it is")->required();
  verb->add_option("--director-root", order.ecu.director_root, "the director's root to trust")->required();
  verb->add_option("--image-root", options.image_root, "the image repository's root to trust")->required();
  verb->add_option("--image", order.ecu.image, "the image it leaves the factory with")->required();
  verb->add_option("--image-name", order.ecu.image_name, "that image's name: TEAM/ECU/FILE.ext")->required();
  verb->add_option("--release-counter", order.ecu.release_counter, "that image's release counter")
      ->capture_default_str();
  verb->add_option("--server", order.server, "the cotterd to poll: https://host:port")->required();
  verb->add_option("--ca", order.ca, "certificate of the authority behind the server's")->required();
  verb->add_option("--floor-store", order.ecu.floor_store,
                   "where rollback floors are kept: file:FOLDER, or tpm:TCTI")
      ->capture_default_str();
  verb->callback([&] { exit_code = host::finish(run_provision(options)); });
}

void add_renew_floors(CLI::App& app, Options& options, int& exit_code) {
  CLI::App* verb = app.add_subcommand(
      "renew-floors", "the workshop's way out when the rollback floors of --config cannot be read any more");
  verb->callback([&] { exit_code = host::finish(run_renew_floors(options)); });
}

int run_cycles(const Options& options) {
  const auto ended = run_primary(options);
  if (!ended) return host::finish(ended);
  return static_cast<int>(*ended);
}

int run(int argc, char** argv) {
  Options options;
  int exit_code = 0;
  CLI::App app(
      "The gateway's client: polls, verifies both repositories, updates every ECU, reports (Uptane).",
      "cotter-primary");
  app.set_version_flag("--version", "cotter-primary " COTTER_VERSION);
  app.add_option("--config", options.config, "run the primary that this primary.toml describes");
  app.add_flag("--once", options.once, "one cycle, then end: 0 done, 1 failed, 3 refused");
  app.add_flag("--json", options.json, "machine-readable output on stdout, one line a cycle");
  app.fallthrough();
  app.require_subcommand(0, 1);
  add_provision(app, options, exit_code);
  add_renew_floors(app, options, exit_code);

  if (const int code = host::finish(host::set_up_logging()); code != 0) return code;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() == 0) return app.exit(stop);  // --help, --version
    fmt::print(stderr, "error: {}\nhint: cotter-primary --help\n", stop.what());
    return static_cast<int>(host::Exit::Usage);
  }
  if (!app.get_subcommands().empty()) return exit_code;
  if (options.config.empty()) {
    fmt::print(stderr,
               "error: nothing to do\nhint: cotter-primary --config primary.toml --once, or --help\n");
    return static_cast<int>(host::Exit::Usage);
  }
  return run_cycles(options);
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
