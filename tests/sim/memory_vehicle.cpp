#include "tests/sim/memory_vehicle.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "client/install/factory.h"
#include "client/install/floor_records.h"
#include "client/install/slot_files.h"
#include "client/install/slot_records.h"
#include "client/install/state_folder.h"
#include "client/links/loopback_link.h"
#include "client/secondary/packed_metadata.h"
#include "client/secondary/posix_time.h"
#include "common/disk/files.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"

namespace cotter::sim {
namespace {

using client::PrimaryStore;

constexpr std::uint64_t kMaxImage = 64 * 1024 * 1024;
constexpr const char* kOwnFloor = "rollback floor";
constexpr std::uint64_t kFactoryCounter = 1;
constexpr const char* kFloors = "ecu/floors";
constexpr const char* kTime = "ecu/state/time.json";
constexpr const char* kDatabase = "ecu/primary/primary.db";
const std::string kPrimaryKeeps = "primary: ";
constexpr std::size_t kPiece = 700;  // the network brings an image in several

crypto::Ed25519Pair pair_of(const std::string& serial) {
  Bytes seed = crypto::sha256(as_bytes("disk/" + serial));
  return crypto::Ed25519Pair::from_seed(crypto::Secret::taking(seed));
}

crypto::PublicKey key_of(const std::string& serial) {
  return crypto::PublicKey::ed25519(pair_of(serial).public_key);
}

std::vector<RoleName> roles() {
  return {model::root_role(), model::timestamp_role(), model::snapshot_role(), model::targets_role()};
}

using Numbers = Garage::Numbers;

Result<std::uint64_t> version_in(ByteView file) {
  const json::Value document = TRY(json::read(file));
  return TRY(TRY(json::ObjectView::of(document, "file")).object("signed")).integer("version");
}

/// The versions of what is trusted. Every stored file can be read: none is half.
Result<Numbers> versions(const trust::MetadataStore& store) {
  Numbers versions;
  for (const Repository each : {Repository::Director, Repository::Image}) {
    for (const RoleName& role : roles()) {
      const std::string name = std::string(name_of(each)) + "/" + role.value();
      const auto file = TRY(store.load(each, role));
      if (!file) continue;
      const auto version = version_in(*file);
      if (!version) return fault(Fault::Kind::Io, name + " is half");
      versions[name] = *version;
    }
  }
  return versions;
}

Result<std::uint64_t> time_floor(const std::optional<Bytes>& record) {
  const auto state = TRY(trust::TimeState::decode(record.value_or(Bytes())));
  return static_cast<std::uint64_t>(state.floor.time_since_epoch().count());
}

/// What went back, or is gone: all but the roles below a root that is newer, whose keys may have changed.
std::string went_back(const Numbers& before, const Numbers& now) {
  for (const auto& [name, number] : before) {
    const auto found = now.find(name);
    if (found != now.end() && found->second >= number) continue;
    const std::string root = name.substr(0, name.find('/')) + "/root";
    const auto old_root = before.find(root);
    const auto new_root = now.find(root);
    // A root that is not stored is the factory's.
    const bool may = name != root && new_root != now.end() &&
                     (old_root == before.end() || new_root->second > old_root->second);
    if (!may) return name + " went back from " + std::to_string(number);
  }
  return {};
}

/// What a secondary trusts and its primary has lost: the primary keeps what it hands out before it does. It
/// forgets what a newer root may have taken the keys from.
std::string ahead_of(const Numbers& primary, const Numbers& secondary) {
  Numbers trusted, kept;
  for (const auto& [name, number] : primary) {
    if (name.starts_with(kPrimaryKeeps)) kept[name.substr(kPrimaryKeeps.size())] = number;
  }
  for (const auto& [name, number] : secondary) {
    if (!name.starts_with("director/") && !name.starts_with("image/")) continue;  // not metadata of the ECU
    trusted[name] = number;
  }
  for (const Repository each : {Repository::Director, Repository::Image}) {
    trusted.try_emplace(std::string(name_of(each)) + "/root", 1);  // the factory's
  }
  for (const auto& [name, number] : trusted) kept.try_emplace(name, 1);
  return went_back(trusted, kept);
}

class SimUplink final : public client::Uplink {
 public:
  SimUplink(VehicleSim& vehicle, TimeSourceSim& time_source, std::uint64_t& last_counter)
      : vehicle_(vehicle), time_source_(time_source), last_counter_(last_counter) {}
  trust::Transport& director() override { return vehicle_.director; }
  trust::Transport& director_roots() override { return vehicle_.director; }
  Result<Bytes> attest_time(ByteView request) override {
    const auto asked = TRY(model::TimeRequest::read(request));
    return time_source_.answer(asked.nonces, vehicle_.now);
  }
  void go_by(UtcTime) override {}
  trust::Transport& image_repository() override { return vehicle_.image; }
  Result<void> send_manifest(ByteView manifest) override {
    const json::Value document = TRY(json::read(manifest));
    const auto signed_part = TRY(TRY(json::ObjectView::of(document, "manifest")).object("signed"));
    const std::uint64_t counter = TRY(signed_part.integer("manifest_counter"));
    if (counter <= last_counter_) return fault(Fault::Kind::Denied, "a manifest counter is used again");
    last_counter_ = counter;
    return {};
  }
  Result<void> download(const trust::Assignment& assignment, std::uint64_t offset,
                        const std::function<Result<void>(ByteView)>& sink) override {
    const Bytes* digest = assignment.target().hashes.find(crypto::HashFunction::Sha256);
    const Bytes image = TRY(vehicle_.image.get(
        "targets/" + model::target_url_path(assignment.name(), to_hex(*digest)), kMaxImage));
    for (std::size_t at = offset; at < image.size(); at += kPiece) {
      TRY(sink(ByteView(image).subspan(at, std::min(kPiece, image.size() - at))));
    }
    return {};
  }

 private:
  VehicleSim& vehicle_;
  TimeSourceSim& time_source_;
  std::uint64_t& last_counter_;
};

}  // namespace

// --- ECUs with power --------------------------------------------------------------------------------------

class MemoryVehicle::Power {
 public:
  Power(MemoryVehicle& vehicle, Garage& garage)
      : vehicle_(vehicle), garage_(garage), clock_(vehicle.vehicle_.now) {
    // What SQLite draws at random differs from start to start, and not from run to run.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, ++garage.starts, nullptr);

    for (const EcuOrder& order : vehicle.orders_) {
      const std::string serial = order.identity.serial.value();
      auto ecu = client::PosixEcu::open(garage.disks.at(serial), clock_, vehicle.config_of(order));
      if (ecu) {
        ecus_.emplace(serial, std::move(*ecu));
      } else {
        why_not_[serial] = summary(ecu.error());
      }
      links_.emplace(order.identity.serial,
                     std::make_unique<client::LoopbackLink>(
                         [this, serial](const wire::Request& request) { return carry(serial, request); }));
    }
  }

  /// The primary starts and runs so many cycles; the last one's outcome, and what it cost.
  Result<Ran> run(int cycles) {
    MemoryDisk& disk = garage_.disks.at(kPrimary);
    const auto own = ecus_.find(kPrimary);
    if (own == ecus_.end())
      return fault(Fault::Kind::Io, "the primary does not start: " + why_not_[kPrimary]);
    client::FloorFiles floors(disk, kFloors);
    PrimaryStore store = TRY(PrimaryStore::open(disk, kDatabase, floors));
    if (!TRY(store.time_state())) {
      const auto factory = TRY(disk::read_small_file(disk, kTime, kMaxImage));
      TRY(store.save_time_state(factory.value_or(Bytes())));
    }
    TRY(store.provision(vehicle_.known()));
    client::ImageStore images = TRY(client::ImageStore::open(disk, "ecu/primary"));
    SimUplink uplink(vehicle_.vehicle_, vehicle_.time_source_, garage_.manifest_counter);
    client::SecondaryCore& core = own->second->core();
    const client::PosixUptime uptime;
    client::SodiumNonces nonces;
    const client::EcuIdentity& identity = vehicle_.orders_.front().identity;
    auto time = TRY(client::VehicleTime::open({store, links_, uplink, uptime, nonces}, identity.vin));
    client::UpdateCycle cycle({identity.vin, identity.serial, identity.director_root, identity.image_root},
                              {store, images, links_, uplink, time, clock_, own->second->signer(),
                               [&](const Rejection& rejection) { core.note_attack(rejection); }});
    Ran ran;
    for (int i = 0; i < cycles; ++i) {
      const std::uint64_t before = disk.syncs();
      ran.outcome = TRY(cycle.run_once());
      ran.syncs = disk.syncs() - before;
    }
    if (!heard_wrong_.empty()) {
      return fault(Fault::Kind::Io, heard_wrong_.begin()->first + ": " + heard_wrong_.begin()->second);
    }
    return ran;
  }

 private:
  wire::Reply carry(const std::string& serial, const wire::Request& request) {
    const wire::Failed silence{Fault::Kind::Network, serial + " does not answer"};
    const auto ecu = ecus_.find(serial);
    if (ecu == ecus_.end() || garage_.disks.at(serial).dead()) return silence;
    wire::Reply reply = ecu->second->core().handle(request);
    if (garage_.disks.at(serial).dead()) return silence;
    if (const auto* report = std::get_if<wire::Report>(&reply)) hear(serial, report->report);
    return reply;
  }

  /// What left an ECU is known outside: it must not be taken back by a power cut.
  void hear(const std::string& serial, ByteView bytes) {
    const auto document = json::read(bytes);
    const auto report = document ? model::verify_report(*document, key_of(serial)) : fail(document.error());
    if (!report) {
      heard_wrong_[serial] = summary(report.error());
      return;
    }
    std::uint64_t& counter = garage_.report_counters[serial];
    if ((*report)->counter <= counter) heard_wrong_[serial] = "a report counter is used again";
    counter = (*report)->counter;
    ReleaseCounter& release = garage_.release_counters[serial];
    release = std::max(release, (*report)->release_counter.value_or(ReleaseCounter(0)));
  }

  MemoryVehicle& vehicle_;
  Garage& garage_;
  SteppedClock clock_;
  std::map<std::string, std::unique_ptr<client::PosixEcu>> ecus_;
  std::map<std::string, std::string> why_not_, heard_wrong_;
  client::Links links_;
};

Bytes Garage::fingerprint() const {
  Bytes all;
  for (const auto& [serial, disk] : disks) {
    const Bytes one = disk.fingerprint();
    all.insert(all.end(), one.begin(), one.end());
  }
  std::string said = std::to_string(manifest_counter);
  for (const auto& [serial, counter] : report_counters) said += " " + std::to_string(counter);
  for (const auto& [serial, counter] : release_counters) said += " " + std::to_string(counter.value());
  all.insert(all.end(), said.begin(), said.end());
  return crypto::sha256(all);
}

// --- the vehicle ------------------------------------------------------------------------------------------

MemoryVehicle::MemoryVehicle() : vehicle_("VIN-ON-DISK") {
  vehicle_.director.rotate(model::time_source_role());
  vehicle_.director.publish(model::root_role());
  time_source_.keys = vehicle_.director.signers.at(model::time_source_role());
}

void MemoryVehicle::add_ecu(const std::string& serial, client::Verification verification,
                            client::Slots slots) {
  orders_.push_back(vehicle_.order(serial, verification, slots));
  orders_.back().image = image_of(serial, 1);
}

std::string MemoryVehicle::image_of(const std::string& serial, std::uint64_t counter) {
  std::string image = serial + " release " + std::to_string(counter) + " ";
  image.append(1500 + 100 * counter, static_cast<char>('a' + counter));
  return image;
}

client::EcuConfig MemoryVehicle::config_of(const EcuOrder& order) const {
  client::EcuConfig config;
  config.dir = "ecu";
  config.floors.dir = "ecu";
  config.identity = order.identity;
  return config;
}

std::vector<client::KnownEcu> MemoryVehicle::known() const {
  std::vector<client::KnownEcu> known;
  for (const EcuOrder& order : orders_) {
    known.push_back({order.identity.serial, order.identity.hardware_id, key_of(order.identity.serial.value()),
                     order.release_counter});
  }
  return known;
}

Garage MemoryVehicle::provisioned() const {
  Garage garage;
  for (const EcuOrder& order : orders_) {
    const std::string serial = order.identity.serial.value();
    MemoryDisk& disk = garage.disks[serial];
    COTTER_ASSERT(disk.make_folder("ecu", disk::kSecretFolder));
    for (const char* folder : {"ecu/metadata", "ecu/primary"}) {
      COTTER_ASSERT(disk.make_folder(folder, disk::kSecretFolder));
    }
    client::FloorFiles floors(disk, kFloors);
    COTTER_ASSERT(floors.begin_anew());
    COTTER_ASSERT(client::lay_out_slots(disk, "ecu", as_bytes(order.image), order.image_name,
                                        order.release_counter, order.slots, {floors, order.identity.serial}));
    COTTER_ASSERT(client::save_ecu_key(disk, "ecu/ecu.key", pair_of(serial)));
    trust::TimeState time;
    time.floor = vehicle_.now;
    COTTER_ASSERT(disk::replace_file(disk, kTime, time.encode()));
    COTTER_ASSERT(disk.lock("ecu/lock"));  // no difference worth a test of its own
    disk.restart(Torn::Everything);
  }
  return garage;
}

void MemoryVehicle::release(std::uint64_t counter) {
  newest_ = counter;
  vehicle_.now += std::chrono::hours(1);
  for (const EcuOrder& order : orders_) {
    const std::string& serial = order.identity.serial.value();
    vehicle_.release(order, TargetName("team/" + serial + "/r" + std::to_string(counter) + ".bin"),
                     image_of(serial, counter), counter);
  }
}

Result<MemoryVehicle::Ran> MemoryVehicle::run(Garage& garage, int cycles) {
  vehicle_.director.forget_requests();
  vehicle_.image.forget_requests();
  return Power(*this, garage).run(cycles);
}

Result<client::CycleOutcome> MemoryVehicle::cycle(Garage& garage) { return TRY(run(garage, 1)).outcome; }

std::optional<std::uint64_t> MemoryVehicle::boots(const Garage& garage, const std::string& serial) const {
  MemoryDisk disk = garage.disks.at(serial);
  return booted(disk, serial);
}

std::optional<std::uint64_t> MemoryVehicle::booted(MemoryDisk& disk, const std::string& serial) const {
  const client::SlotFiles slots(disk, "ecu");
  const auto active = slots.active();
  const auto image = active ? slots.read(*active, 0, kMaxImage) : fail(active.error());
  if (!image) return std::nullopt;
  for (std::uint64_t counter = 1; counter <= newest_; ++counter) {
    if (as_text(*image) == image_of(serial, counter)) return counter;
  }
  return std::nullopt;
}

Result<void> MemoryVehicle::look_at(MemoryDisk& disk, const EcuSerial& ecu, Garage::Numbers& found) const {
  client::StateFolder state(disk, "ecu/state", ".json");
  client::FloorFiles floors(disk, kFloors);
  const auto incoming = TRY(client::SlotRecords(state, {floors, ecu}).incoming());
  // One slot, and its image half overwritten: it says so, and its primary brings it back.
  const bool lost = incoming && incoming->stage == client::Incoming::Stage::Overwriting;
  if (!lost && !booted(disk, ecu.value())) return fault(Fault::Kind::Io, "boots no whole image");
  found[kOwnFloor] = TRY(floors.floor(client::release_floor_of(ecu))).value_or(0);
  client::StateFolder packs(disk, "ecu/metadata", ".pack");
  const client::PackedMetadata metadata(packs);
  found["time"] = TRY(time_floor(TRY(state.load("time"))));
  const Numbers trusted = TRY(versions(metadata));
  for (const Repository each : {Repository::Director, Repository::Image}) {
    const std::string name(name_of(each));
    const auto next = trusted.lower_bound(name);
    if (TRY(packs.load(name)) && (next == trusted.end() || !next->first.starts_with(name))) {
      return fault(Fault::Kind::Io, "half a pack of " + name + "'s metadata");
    }
  }
  found.insert(trusted.begin(), trusted.end());
  return {};
}

/// Of the primary besides: its database, looked into on a copy, and the floors that it keeps of its ECUs.
Result<Garage::Numbers> MemoryVehicle::look_at_primary(MemoryDisk disk) const {
  Numbers found;
  client::FloorFiles floors(disk, kFloors);
  for (const EcuOrder& order : orders_) {
    const client::FloorName name = client::release_floor_of(order.identity.serial);
    if (const auto floor = TRY(floors.floor(name))) found[name.value()] = *floor;
  }
  if (!TRY(disk.look_at(kDatabase))) return found;
  if (TRY(host::is_damaged(disk, kDatabase))) return fault(Fault::Kind::Io, "its database is damaged");
  const auto store = TRY(PrimaryStore::open(disk, kDatabase, floors));
  if (const auto time = TRY(store.time_state())) found[kPrimaryKeeps + "time"] = TRY(time_floor(time));
  for (auto& [name, version] : TRY(versions(store))) found[kPrimaryKeeps + name] = version;
  return found;
}

std::vector<std::string> MemoryVehicle::complaints(Garage& garage) const {
  std::vector<std::string> all;
  for (auto& [serial, disk] : garage.disks) {
    Numbers now;
    if (const auto looked = look_at(disk, EcuSerial(serial), now); !looked) {
      all.push_back(serial + ": " + summary(looked.error()));
      continue;
    }
    if (serial == kPrimary) {
      auto more = look_at_primary(disk);
      if (!more) {
        all.push_back(serial + ": " + summary(more.error()));
        continue;
      }
      now.merge(*more);
    }
    Numbers& before = garage.found[serial];
    before[kOwnFloor] =
        std::max({before[kOwnFloor], garage.release_counters[serial].value(), kFactoryCounter});
    if (const std::string what = went_back(before, now); !what.empty()) {
      all.push_back(serial);
      all.back().append(": ").append(what);
    }
    before = std::move(now);
  }
  for (const auto& [serial, found] : garage.found) {
    if (const std::string what = ahead_of(garage.found[kPrimary], found); !what.empty()) {
      all.push_back(serial);
      all.back().append(" is ahead of its primary: ").append(what);
    }
  }
  return all;
}

}  // namespace cotter::sim
