#include "tests/replay/vehicle/vehicle.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "client/install/floor_records.h"
#include "client/primary/config.h"
#include "client/store/sqlite/primary_store.h"
#include "common/crypto/digest.h"
#include "common/disk/posix_disk.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/trust/seams.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxFile = 64ULL * 1024 * 1024;

constexpr std::string_view kConfig = R"(vin = "{}"
primary = "{}"
record = "../../record.json"
own_ecu = "ecu.toml"
state_dir = "primary"
director_url = "{}"
image_url = "{}"
image_target_url = "{}"
time_url = "{}"
image_refresh_seconds = 0
)";

Result<json::Value> read_json(const fs::path& file) {
  return json::read(TRY(host::read_file(file, kMaxFile)));
}

/// The version in a stored file; null when there is none, or rubbish.
json::Value version_in(const std::optional<Bytes>& file) {
  const auto document = file ? json::read(*file) : Result<json::Value>(json::Value());
  const json::Object* whole = document ? document->as_object() : nullptr;
  const json::Value* part = whole != nullptr ? whole->find("signed") : nullptr;
  const json::Object* content = part != nullptr ? part->as_object() : nullptr;
  const json::Value* version = content != nullptr ? content->find("version") : nullptr;
  return version != nullptr ? *version : json::Value();
}

std::pair<Repository, RoleName> parse_file(const std::string& text) {
  const auto slash = text.find('/');
  return {text.substr(0, slash) == "director" ? Repository::Director : Repository::Image,
          RoleName(slash == std::string::npos ? "" : text.substr(slash + 1))};
}

}  // namespace

Result<OwnVehicle> OwnVehicle::open(const fs::path& dir, fs::path programs) {
  OwnVehicle vehicle(fs::absolute(dir), std::move(programs));
  TRY(vehicle.read());
  return vehicle;
}

Result<void> OwnVehicle::read() {
  const json::Value document = TRY(read_json(dir_ / "vehicle.json"));
  const auto all = TRY(json::ObjectView::of(document, "vehicle.json"));
  vin_ = TRY(all.string("vin"));
  for (const char* url : {"director_url", "image_url", "image_target_url", "time_url"})
    urls_[url] = TRY(all.string(url));
  const fs::path director_root = dir_ / TRY(all.string("director_root"));
  const fs::path image_root = dir_ / TRY(all.string("image_root"));
  for (const json::Value& value : *TRY(all.array("ecus"))) {
    const auto view = TRY(json::ObjectView::of(value, "ecu"));
    const auto image = TRY(view.object("image"));
    Ecu ecu;
    ecu.primary = TRY(view.boolean("primary"));
    ecu.order.vin = vin_;
    ecu.order.serial = TRY(view.string("serial"));
    ecu.order.hardware_id = TRY(view.string("hardware_id"));
    ecu.order.dir = ecu_dir(ecu.order.serial);
    ecu.order.slots = TRY(view.integer("slots")) == 1 ? client::Slots::One : client::Slots::Two;
    ecu.order.director_root = director_root;
    if (TRY(view.string("verification")) == "partial") {
      ecu.order.verification = client::Verification::Partial;
    } else {
      ecu.order.image_root = image_root;
    }
    ecu.order.image = dir_ / TRY(image.string("file"));
    ecu.order.image_name = TRY(image.string("name"));
    ecu.order.release_counter = TRY(image.integer("release_counter"));
    ecu.order.listen = "127.0.0.1:0";
    if (ecu.primary) primary_ = ecu.order.serial;
    ecus_.push_back(std::move(ecu));
  }
  return {};
}

Result<void> OwnVehicle::init() {
  TRY(host::make_dir(dir_ / "ecus"));
  disk::PosixDisk disk;
  json::Array records;
  for (const Ecu& ecu : ecus_) {
    json::Object record = TRY(client::provision_ecu(disk, ecu.order));
    record.set("primary", ecu.primary);
    records.emplace_back(std::move(record));
  }
  TRY(host::make_dir(ecu_dir(primary_) / "primary"));
  const json::Object record{{"vin", vin_}, {"ecus", std::move(records)}};
  return host::write_atomically(dir_ / "record.json", as_bytes(json::to_pretty_text(record)));
}

Result<std::pair<world::Daemon, std::string>> OwnVehicle::start(const std::string& serial) const {
  const world::Command command{programs_ / "cotter-secondary",
                               {"--json", "--config", (ecu_dir(serial) / "ecu.toml").string()},
                               {},
                               {}};
  world::Daemon daemon = TRY(world::Daemon::start(command));
  const std::string line = TRY(daemon.read_line());
  const json::Value ready = TRY(json::read(as_bytes(line)));
  std::string address = TRY(TRY(json::ObjectView::of(ready, "cotter-secondary")).string("listening"));
  return std::pair(std::move(daemon), std::move(address));
}

Result<void> OwnVehicle::write_config(const std::map<std::string, std::string>& addresses) const {
  std::string config = fmt::format(kConfig, vin_, primary_, urls_.at("director_url"), urls_.at("image_url"),
                                   urls_.at("image_target_url"), urls_.at("time_url"));
  for (const auto& [serial, address] : addresses) {
    config += fmt::format("\n[[ecu]]\nserial = \"{}\"\naddress = \"{}\"\n", serial, address);
  }
  return host::write_atomically(ecu_dir(primary_) / "primary.toml", as_bytes(config));
}

Result<int> OwnVehicle::update() {
  std::vector<world::Daemon> secondaries;
  std::map<std::string, std::string> addresses;
  for (const Ecu& ecu : ecus_) {
    if (ecu.primary) continue;
    auto [daemon, address] = TRY(start(ecu.order.serial));
    secondaries.push_back(std::move(daemon));
    addresses[ecu.order.serial] = std::move(address);
  }
  TRY(write_config(addresses));
  const world::Command primary{
      programs_ / "cotter-primary",
      {"--config", (ecu_dir(primary_) / "primary.toml").string(), "--once", "--json"},
      {},
      {}};
  const world::Ended ended = TRY(world::run(primary, std::chrono::minutes(10)));
  fmt::print("{}", ended.out);
  fmt::print(stderr, "{}", ended.err);
  return ended.exit_code;
}

Result<json::Object> OwnVehicle::state() {
  json::Object ecus;
  for (const Ecu& ecu : ecus_) {
    const Bytes image = TRY(host::read_file(fs::canonical(ecu_dir(ecu.order.serial) / "active"), kMaxFile));
    ecus.set(ecu.order.serial, json::Object{{"sha256", to_hex(crypto::sha256(image))},
                                            {"length", std::uint64_t{image.size()}}});
  }
  json::Object trusted{{"director/root", 1}, {"image/root", 1}};
  if (fs::exists(database())) {
    disk::PosixDisk disk;
    client::FloorFiles floors(disk, ecu_dir(primary_) / "floors");
    const auto store = TRY(client::PrimaryStore::open(disk, database(), floors));
    for (const Repository repository : {Repository::Director, Repository::Image}) {
      for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
        trusted.set(std::string(name_of(repository)) + "/" + role,
                    version_in(TRY(store.load(repository, RoleName(role)))));
      }
    }
  }
  return json::Object{{"ecus", std::move(ecus)}, {"trusted", std::move(trusted)}};
}

Result<void> OwnVehicle::bus(const std::string& serial) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  auto [daemon, address] = TRY(start(serial));  // before they are blocked: it must not inherit that
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  fmt::print("{}\n", address);
  std::fflush(stdout);
  int signal = 0;
  ::sigwait(&signals, &signal);
  daemon.stop();
  return {};
}

Result<void> OwnVehicle::damage(const std::string& file) {
  const auto [repository, role] = parse_file(file);
  disk::PosixDisk disk;
  client::FloorFiles floors(disk, ecu_dir(primary_) / "floors");
  auto store = TRY(client::PrimaryStore::open(disk, database(), floors));
  const json::Value version = version_in(TRY(store.load(repository, role)));
  const trust::Effect rubbish =
      trust::Store{role, Version(static_cast<std::uint64_t>(version.as_int() ? *version.as_int() : 1)),
                   to_bytes("{\"signed\":{}}")};
  TRY(store.commit(repository, std::span(&rubbish, 1)));
  return store.settle();
}

Result<void> OwnVehicle::alter_slot(const std::string& serial) {
  const fs::path runs = fs::canonical(ecu_dir(serial) / "active");
  const fs::path spare = runs.parent_path() / (runs.filename() == "a.bin" ? "b.bin" : "a.bin");
  std::fstream slot(spare, std::ios::in | std::ios::out | std::ios::binary);
  const int first = slot.get();
  slot.seekp(0);
  slot.put(static_cast<char>(first ^ 1));
  if (!slot.flush()) return fault(Fault::Kind::Io, "cannot change " + spare.string());
  return {};
}

}  // namespace cotter::replay
