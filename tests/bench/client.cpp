#include <string>

#include "common/host/atomic_file.h"
#include "tests/bench/benches.h"
#include "tests/bench/measure.h"
#include "tests/bench/vehicle.h"
#include "tests/sim/repository_sim.h"
#include "tests/sim/temp_dir.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMebi = 1024ULL * 1024;
constexpr std::uint64_t kImage = kMebi;
constexpr std::uint64_t kBigImage = 128 * kMebi;
constexpr int kBigPairs = 3;  // each moves a gigabyte on its way
constexpr int kPolls = 7;
constexpr int kTargets = 10'000;

// The floor of a first cycle: nobody can do it with less than these.
constexpr const char* kFirstRequests =
    "10";  // two roots' successors, three files of each repository, two manifests
constexpr const char* kFirstVerifies = "13";  // of those files and of the ECU's reports
constexpr const char* kFirstSyncs = "2";      // the image, and that it is the one to run
constexpr const char* kPollRequests = "2";    // is there anything new, and the manifest
constexpr const char* kPollVerifies = "1";
constexpr const char* kNoImage = "none";

double reported_cpu(const Usage& usage) { return std::stod(usage.out); }

/// The same over the same network in one small process: libcurl, SHA-256, libsodium, fdatasync.
Result<Usage> run_floor(const Places& places, const WaitingVehicle& vehicle, const std::string& image_url,
                        std::vector<std::string> amounts) {
  std::vector<std::string> words = {"--inner", "floor", vehicle.primary_dir().string(), vehicle.server_url(),
                                    image_url};
  words.insert(words.end(), amounts.begin(), amounts.end());
  return measure_well({places.self, std::move(words), {}, vehicle.scratch() / "floor.log"});
}

Result<void> add_first_cycle(const Places& places, WaitingVehicle& vehicle, Figures& figures) {
  std::vector<Pair> cpu;
  std::vector<Pair> idle;
  std::vector<Pair> peak;
  std::vector<double> start_peak;
  const std::string image_url = TRY(vehicle.image_url());
  for (int i = 0; i < kPairs; ++i) {
    TRY(vehicle.begin_anew());
    const Usage first = TRY(measure_well(vehicle.once()));
    TRY(vehicle.check_updated());
    const Usage floor =
        TRY(run_floor(places, vehicle, image_url, {kFirstRequests, kFirstVerifies, kFirstSyncs}));
    TRY(measure_well(vehicle.once()));  // sees its own confirmation
    const Usage nothing_new = TRY(measure_well(vehicle.once()));
    const Usage idle_floor = TRY(run_floor(places, vehicle, kNoImage, {kPollRequests, kPollVerifies, "0"}));
    cpu.push_back({first.cpu_us, floor.cpu_us});
    idle.push_back({nothing_new.cpu_us, idle_floor.cpu_us});
    peak.push_back({first.peak_bytes, floor.peak_bytes});
    start_peak.push_back(nothing_new.peak_bytes);
  }
  figures.push_back(
      compared("first cycle, 1 MiB: CPU with start", Unit::Microseconds, "same work, libraries alone", cpu));
  figures.push_back(compared("first cycle: peak memory", Unit::Bytes, "same work, libraries alone", peak));
  figures.push_back(
      compared("start and poll, nothing new: CPU", Unit::Microseconds, "same work, libraries alone", idle));
  figures.push_back(with_limit(counted("start and poll: peak memory", Unit::Bytes, median(start_peak)),
                               "G8 and G15 (1/2 of 18.5 MiB)", 9.25 * kMebi));
  return {};
}

Result<void> add_first_calls(WaitingVehicle& vehicle, Figures& figures) {
  const int port = TRY(vehicle.begin_anew_in_plain());
  const fs::path trace = vehicle.scratch() / "first.trace";
  const world::Command once = vehicle.once();
  std::vector<std::string> words{once.program.string()};
  words.insert(words.end(), once.arguments.begin(), once.arguments.end());
  TRY(world::run_well(strace(trace, std::move(words))));
  TRY(vehicle.check_updated());
  const Calls calls = TRY(calls_in(trace, port));
  figures.push_back(with_limit(counted("first cycle: requests", Unit::Count, calls.requests), "G9", 9));
  figures.push_back(with_limit(counted("first cycle: connections", Unit::Count, calls.connections), "G9", 2));
  figures.push_back(with_limit(counted("first cycle: fsyncs", Unit::Count, calls.syncs), "G9", 14));
  return {};
}

Result<void> wait_for_polls(world::Daemon& primary, int polls) {
  for (int i = 0; i < polls; ++i) TRY(primary.read_line());
  return {};
}

Result<void> add_steady_poll(const Places& places, WaitingVehicle& vehicle, Figures& figures) {
  TRY(vehicle.begin_anew());
  std::vector<Pair> cpu;
  auto primary = TRY(world::Daemon::start(vehicle.polling()));
  TRY(wait_for_polls(primary, 3));
  for (int i = 0; i < kPolls; ++i) {
    const double before = TRY(cpu_us_of(primary.pid()));
    TRY(wait_for_polls(primary, 1));
    const double ours = TRY(cpu_us_of(primary.pid())) - before;
    const Usage floor = TRY(run_floor(places, vehicle, kNoImage, {kPollRequests, kPollVerifies, "0"}));
    cpu.push_back({ours, reported_cpu(floor)});
  }
  const double peak = TRY(peak_bytes_of(primary.pid()));
  primary.stop();
  figures.push_back(compared("steady poll: CPU", Unit::Microseconds, "2 requests, 1 verify", cpu));
  figures.push_back(
      with_limit(counted("steady poll: peak memory", Unit::Bytes, peak), "G8 (1/2 of 22 MiB)", 11.0 * kMebi));
  return {};
}

Result<void> add_poll_calls(WaitingVehicle& vehicle, Figures& figures) {
  const int port = TRY(vehicle.begin_anew_in_plain());
  const fs::path trace = vehicle.scratch() / "polls.trace";
  auto primary = TRY(world::Daemon::start(vehicle.polling()));
  TRY(wait_for_polls(primary, 3));
  auto tracer = TRY(world::Daemon::start(strace(trace, {"-p", std::to_string(primary.pid())})));
  TRY(wait_for_polls(primary, kPolls));
  tracer.stop();
  primary.stop();
  const Calls calls = TRY(calls_per_poll(trace, port));
  figures.push_back(with_limit(counted("steady poll: requests", Unit::Count, calls.requests), "G8", 2));
  figures.push_back(
      with_limit(counted("steady poll: new connections", Unit::Count, calls.connections), "G8", 0));
  figures.push_back(with_limit(counted("steady poll: fsyncs", Unit::Count, calls.syncs), "G8", 0));
  return {};
}

Result<void> add_ten_thousand_targets(const Places& places, Figures& figures) {
  const sim::TempDir dir;
  sim::RepositorySim repository("bench", *parse_utc("2040-01-01T00:00:00Z"));
  for (int i = 0; i < kTargets; ++i) {
    repository.add_target(model::targets_role(), TargetName("team/ecu/image-" + std::to_string(i) + ".bin"),
                          std::to_string(i), sim::image_facts({HardwareId("hw-ecu")}, 1));
  }
  repository.release({model::targets_role()});
  TRY(host::write_atomically(dir.path() / "root.json", repository.file_of(model::root_role())));
  TRY(host::write_atomically(dir.path() / "targets.json", repository.file_of(model::targets_role())));
  std::vector<Pair> cpu;
  std::vector<Pair> peak;
  for (int i = 0; i < kPairs; ++i) {
    const auto run = [&](const char* work) {
      return measure_well({places.self, {"--inner", work, dir.path().string()}, {}, dir.path() / "log"});
    };
    const Usage ours = TRY(run("verify-targets"));
    const Usage floor = TRY(run("hash-targets"));
    cpu.push_back({reported_cpu(ours), reported_cpu(floor)});
    peak.push_back({ours.peak_bytes, floor.peak_bytes});
  }
  figures.push_back(
      compared("10,000 targets: parse and verify, CPU", Unit::Microseconds, "hash, 1 ed25519 verify", cpu));
  figures.push_back(
      with_limit(compared("10,000 targets: peak memory", Unit::Bytes, "hash, 1 ed25519 verify", peak),
                 "G5 (1/4 of 92.8 MiB)", 23.2 * kMebi));
  return {};
}

Result<void> add_big_image(const Places& places, Figures& figures) {
  const auto vehicle = TRY(WaitingVehicle::make(places, kBigImage));
  std::vector<Pair> speed;
  std::vector<double> peak;
  for (int i = 0; i < kBigPairs; ++i) {
    TRY(vehicle->begin_anew());
    const Usage ours = TRY(measure_well(vehicle->once()));
    TRY(vehicle->check_updated());
    const Usage floor = TRY(measure_well(
        {places.self,
         {"--inner", "hash-and-copy", vehicle->image().string(), (vehicle->scratch() / "copy").string()},
         {},
         vehicle->scratch() / "floor.log"}));
    const auto bytes = static_cast<double>(kBigImage);
    speed.push_back({bytes * 1e6 / ours.wall_us, bytes * 1e6 / floor.wall_us});
    peak.push_back(ours.peak_bytes);
  }
  Figure figure =
      compared("128 MiB image: whole cycle", Unit::BytesPerSecond, "hash, then copy, in series", speed);
  figure.goal = Goal{"G10: 0.6 of the baseline", *figure.ratio >= 0.6};
  figures.push_back(std::move(figure));
  figures.push_back(with_limit(counted("128 MiB image: peak memory", Unit::Bytes, median(peak)),
                               "G10: constant, so", 16.0 * kMebi));
  return {};
}

}  // namespace

Result<Figures> bench_client(const Places& places) {
  Figures figures;
  {
    const auto vehicle = TRY(WaitingVehicle::make(places, kImage));
    TRY(add_first_cycle(places, *vehicle, figures));
    TRY(add_first_calls(*vehicle, figures));
    TRY(add_steady_poll(places, *vehicle, figures));
    TRY(add_poll_calls(*vehicle, figures));
    figures.push_back(
        with_limit(counted("cotter-primary, stripped", Unit::Bytes,
                           TRY(stripped_bytes(places.programs / "cotter-primary", vehicle->scratch()))),
                   "G15 (1/2 of 3.24 MB)", 1'620'000));
  }
  TRY(add_ten_thousand_targets(places, figures));
  TRY(add_big_image(places, figures));
  return figures;
}

}  // namespace cotter::bench
