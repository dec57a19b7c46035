#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/trust/verified.h"
#include "server/app/accept_manifest.h"
#include "tests/bench/benches.h"
#include "tests/bench/loopback_http.h"
#include "tests/bench/measure.h"
#include "tests/sim/repository_sim.h"
#include "tests/unit/server/app/depot.h"
#include "tests/world/world.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kTargetsOfAMegabyte = 2'800;
constexpr int kEntriesOfTenMegabytes = 34'000;
constexpr int kManifests = 40;  // in each of the pairs
constexpr std::size_t kPage = 4096;
constexpr std::chrono::milliseconds kServingTime{140};  // 7 pairs in 2 s

json::Object entry(int number) {
  return {{"length", json::Value(number)},
          {"hashes", json::Object{{"sha256", std::string(64, 'a')}, {"sha512", std::string(128, 'b')}}},
          {"custom", json::Object{{"hardwareIds", json::Array{json::Value("brake-mk4")}},
                                  {"name", "team/ecu/image-" + std::to_string(number) + ".bin"}}}};
}

Result<void> add_verify(Figures& figures) {
  sim::RepositorySim repository("bench", *parse_utc("2040-01-01T00:00:00Z"));
  for (int i = 0; i < kTargetsOfAMegabyte; ++i) {
    repository.add_target(model::targets_role(), TargetName("team/ecu/image-" + std::to_string(i) + ".bin"),
                          std::to_string(i), sim::image_facts({HardwareId("hw-ecu")}, 1));
  }
  repository.publish(model::targets_role());
  const auto root = TRY(TRY(trust::Unverified<model::Root>::parse(repository.file_of(model::root_role()),
                                                                  model::Profile::Vehicle))
                            .verify_anchor());
  const auto authority = trust::Authority::of_root(root, model::targets_role());
  const Bytes& file = repository.file_of(model::targets_role());
  const auto key = sim::key("floor");
  const auto signature = TRY(key->sign(file));
  std::vector<Pair> pairs;
  for (int i = 0; i < kPairs; ++i) {
    bool good = false;
    const double ours = cpu_us_of([&] {
      auto parsed = trust::Unverified<model::Targets>::parse(file, model::Profile::Vehicle);
      good = parsed && std::move(*parsed).verify(authority);
    });
    const double floor = cpu_us_of([&] {
      crypto::sha256(file);
      good = good && key->public_key().verifies(file, signature.bytes);
    });
    if (!good) return fault(Fault::Kind::Io, "the bench's own targets file did not verify");
    pairs.push_back({ours, floor});
  }
  figures.push_back(compared("verify one targets file of " + host::human_bytes(file.size()),
                             Unit::Microseconds, "hash, 1 ed25519 verify", pairs));
  return {};
}

void add_canonical(Figures& figures) {
  json::Array entries;
  for (int i = 0; i < kEntriesOfTenMegabytes; ++i) entries.emplace_back(entry(i));
  const json::Value value(std::move(entries));
  std::vector<Pair> pairs;
  std::size_t size = 0;
  for (int i = 0; i < kPairs; ++i) {
    Bytes bytes;
    const double ours = cpu_us_of([&] { bytes = json::canonical(value); });
    const double floor = cpu_us_of([&] { crypto::sha256(bytes); });
    pairs.push_back({ours, floor});
    size = bytes.size();
  }
  figures.push_back(
      compared("canonicalise " + host::human_bytes(size), Unit::Microseconds, "hash the same bytes", pairs));
}

Result<void> add_serving(const Places& places, Figures& figures) {
  const sim::TempDir dir;
  world::World world(dir.path() / "world", places.programs, {});
  TRY(world.make_workspace());
  world::Command command = world.command("cotterd", {"-C", world.workspace().string(), "--json", "--plain",
                                                     "--role", "image", "--listen", "127.0.0.1:0"});
  command.environment.clear();
  command.log = dir.path() / "log";
  auto server = TRY(world::Daemon::start(command));
  const json::Value ready = TRY(json::read(as_bytes(TRY(server.read_line()))));
  const std::string url = TRY(TRY(json::ObjectView::of(ready, "cotterd")).string("listening"));
  const auto port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  const std::string path = "/repo/1.root.json";
  const std::string answer = TRY(first_answer(port, path));
  const auto floor = TRY(FixedAnswer::listen(answer));
  std::vector<Pair> pairs;
  for (int i = 0; i < kPairs; ++i) {
    const double ours = TRY(gets_per_second(port, path, answer.size(), kServingTime));
    const double baseline = TRY(gets_per_second(floor->port(), path, answer.size(), kServingTime));
    pairs.push_back({ours, baseline});
  }
  figures.push_back(compared("GETs of " + host::human_bytes(answer.size()) + ", kept alive", Unit::PerSecond,
                             "fixed answer, one thread", pairs));
  return {};
}

/// A page appended and made durable: what one commit cannot do without.
Result<double> commits_per_second(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, host::kSecretFile);
  if (fd < 0) return fail(host::errno_fault("cannot open " + file.string(), errno));
  const Bytes page(kPage, 1);
  bool good = true;
  const double wall = wall_us_of([&] {
    for (int i = 0; i < kManifests; ++i) {
      good = good && ::write(fd, page.data(), page.size()) == static_cast<ssize_t>(kPage) &&
             ::fdatasync(fd) == 0;
    }
  });
  ::close(fd);
  if (!good) return fault(Fault::Kind::Io, "cannot write " + file.string());
  return kManifests * 1e6 / wall;
}

Result<void> add_manifests(Figures& figures) {
  const test::Depot depot;
  depot.add_vehicle();
  host::Db db = depot.database();
  test::VehicleVoice voice;
  std::vector<Pair> pairs;
  for (int i = 0; i < kPairs; ++i) {
    std::vector<Bytes> manifests;
    for (int k = 0; k < kManifests; ++k) {
      manifests.push_back(voice.wire());
      voice.next();
    }
    Result<void> accepted;
    const double wall = wall_us_of([&] {
      for (const Bytes& manifest : manifests) {
        auto receipt = app::accept_manifest(db, VehicleId("VIN-1"), manifest, depot.clock.time);
        if (!receipt) accepted = fail(receipt.error());
      }
    });
    TRY(accepted);
    const double commits = TRY(commits_per_second(depot.dir.path() / "pages"));
    pairs.push_back({kManifests * 1e6 / wall, commits});
  }
  figures.push_back(
      compared("manifests accepted, durable, 3 ECUs", Unit::PerSecond, "4 KiB, fdatasync", pairs));
  return {};
}

}  // namespace

Result<Figures> bench_core(const Places& places) {
  Figures figures;
  TRY(add_verify(figures));
  add_canonical(figures);
  TRY(add_serving(places, figures));
  TRY(add_manifests(figures));
  return figures;
}

}  // namespace cotter::bench
