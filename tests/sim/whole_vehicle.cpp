#include "tests/sim/whole_vehicle.h"

#include <algorithm>
#include <fstream>

#include "common/host/atomic_file.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"

namespace cotter::sim {
namespace {

namespace fs = std::filesystem;

const RoleName kSupplier("supplier");
constexpr std::size_t kPiece = 40;
constexpr std::chrono::hours kYear(24 * 365);

TargetName image_of(const std::string& ecu) { return TargetName("team/" + ecu + "/app.bin"); }

void note(std::uint64_t& last, std::uint64_t counter, const std::string& what,
          std::vector<std::string>& refused) {
  if (counter <= last)
    refused.push_back(what + " " + std::to_string(counter) + " after " + std::to_string(last));
  last = std::max(last, counter);
}

}  // namespace

WholeVehicle::WholeVehicle(Time time) {
  world_.image.delegate(model::targets_role(), delegated(kSupplier.value(), {"team/BRAKE/*"}, true));
  if (time == Time::Attested) {
    world_.director.rotate(model::time_source_role());
    world_.director.publish(model::root_role());
    time_source_.keys = world_.director.signers.at(model::time_source_role());
  }
  const auto make = [&](const char* serial, client::Verification verification, client::Slots slots) {
    ecus[serial] = std::make_unique<EcuSim>(world_.order(serial, verification, slots), world_.now);
  };
  make("BRAKE", client::Verification::Full, client::Slots::Two);
  make("DOOR", client::Verification::Partial, client::Slots::One);
  make("GATEWAY", client::Verification::Full, client::Slots::Two);
  COTTER_ASSERT(floors_.begin_anew());
  COTTER_ASSERT(host::make_dir(dir_.path() / "primary"));
}

std::string WholeVehicle::newest_of(const std::string& ecu) const {
  const std::string content = "image " + std::to_string(released_) + " of " + ecu + " ";
  return content + std::string(200, 'x');
}

void WholeVehicle::release_as(std::uint64_t counter) {
  ++released_;
  for (const auto& [serial, ecu] : ecus) {
    const EcuSerial id(serial);
    const HardwareId& hardware = ecu->order().identity.hardware_id;
    world_.image.add_target(serial == "BRAKE" ? kSupplier : model::targets_role(), image_of(serial),
                            newest_of(serial), image_facts({hardware}, counter));
    world_.director.add_target(model::targets_role(), image_of(serial), newest_of(serial),
                               assigned_to(id, hardware, counter));
  }
  world_.image.release({kSupplier, model::targets_role()});
  world_.director.release({model::targets_role()});
}

void WholeVehicle::age(std::chrono::hours by) {
  world_.now += by;
  uptime_.since += by;
  for (const auto& [serial, ecu] : ecus) ecu->uptime.since += by;
  for (RepositorySim* each : {&world_.director, &world_.image}) {
    each->root.expires = each->timestamp.expires = each->snapshot.expires = world_.now + kYear;
    each->targets().expires = world_.now + kYear;
    for (int i = 0; i < 3; ++i) each->publish(model::root_role());
  }
  world_.image.targets(kSupplier).expires = world_.now + kYear;
}

void WholeVehicle::stop() {
  time_.reset();
  store_.reset();
}

Result<void> WholeVehicle::start() {
  stop();
  ++uptime_.boots;
  std::vector<client::KnownEcu> known;
  for (const auto& [serial, ecu] : ecus) {
    ecu->flash.restore_power();
    TRY(ecu->restart());
    known.push_back({EcuSerial(serial), ecu->order().identity.hardware_id,
                     SimKey("ecu/" + serial).public_key(), ecu->order().release_counter});
    links_[EcuSerial(serial)] = std::make_unique<client::LoopbackLink>(
        [this, ecu = serial](const wire::Request& request) { return carry(ecu, request); });
  }
  store_ =
      std::make_unique<client::PrimaryStore>(TRY(client::PrimaryStore::open(disk_, database(), floors_)));
  TRY(store_->provision(known));
  images_ =
      std::make_unique<client::ImageStore>(TRY(client::ImageStore::open(disk_, dir_.path() / "primary")));
  time_.emplace(TRY(client::VehicleTime::open({*store_, links_, *this, uptime_, nonces_}, world_.vin)));
  return {};
}

Result<client::CycleOutcome> WholeVehicle::cycle() {
  clock_.time = world_.now;
  for (const auto& [serial, ecu] : ecus) ecu->clock.time = world_.now;
  EcuSim& own = *ecus.at("GATEWAY");
  client::VehicleIdentity identity{world_.vin, EcuSerial("GATEWAY"), own.order().identity.director_root,
                                   own.order().identity.image_root};
  client::CycleOptions options;
  options.image_refresh_every = std::chrono::seconds(0);
  client::UpdateCycle cycle(std::move(identity),
                            {*store_, *images_, links_, *this, *time_, clock_, key_,
                             [&](const Rejection& rejection) { own.core().note_attack(rejection); }},
                            options);
  return cycle.run_once();
}

wire::Reply WholeVehicle::carry(const std::string& ecu, const wire::Request& request) {
  if (bus_carries && !bus_carries(ecu, request)) return wire::Failed{Fault::Kind::Network, "the bus is cut"};
  return ecus.at(ecu)->ask(request);
}

Result<Bytes> WholeVehicle::attest_time(ByteView request) {
  const auto asked = TRY(model::TimeRequest::read(request));
  return time_source_.answer(asked.nonces, world_.now);
}

Result<void> WholeVehicle::send_manifest(ByteView manifest) {
  const json::Value document = TRY(json::read(manifest));
  const auto verified = TRY(model::verify_manifest(document, key_.public_key()));
  note(heard.manifest, verified->counter, "manifest", refused);
  for (const auto& [serial, report] : verified->reports) {
    const auto read = TRY(model::verify_report(report, SimKey("ecu/" + serial.value()).public_key()));
    note(heard.reports[serial], read->counter, "report of " + serial.value(), refused);
  }
  return {};
}

Result<void> WholeVehicle::download(const trust::Assignment& assignment, std::uint64_t offset,
                                    const std::function<Result<void>(ByteView)>& sink) {
  const std::string digest = to_hex(assignment.target().hashes.all().begin()->second);
  const Bytes bytes =
      TRY(world_.image.get("targets/" + model::target_url_path(assignment.name(), digest), UINT64_MAX));
  while (offset < bytes.size()) {
    if (server_sends && !server_sends()) return fault(Fault::Kind::Network, "the server is gone");
    const ByteView piece = ByteView(bytes).subspan(offset, std::min(kPiece, bytes.size() - offset));
    TRY(sink(piece));
    offset += piece.size();
  }
  return {};
}

WholeVehicle::Storage WholeVehicle::storage() {
  Storage storage;
  for (const auto& entry : fs::recursive_directory_iterator(dir_.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), dir_.path()).string();
    storage.files[name] = *host::read_file(entry.path(), UINT64_MAX);
  }
  for (const auto& [serial, ecu] : ecus) storage.flashes[serial] = ecu->flash;
  storage.heard = heard;
  return storage;
}

void WholeVehicle::put_back(const Storage& storage) {
  stop();
  bus_carries = nullptr;
  server_sends = nullptr;
  refused.clear();
  for (const auto& entry : fs::directory_iterator(dir_.path())) fs::remove_all(entry.path());
  for (const auto& [name, bytes] : storage.files) {
    fs::create_directories(path(name).parent_path());
    std::ofstream(path(name), std::ios::binary) << as_text(bytes);
  }
  for (const auto& [serial, flash] : storage.flashes) {
    ecus.at(serial)->flash = flash;
    ecus.at(serial)->flash.restore_power();
  }
  heard = storage.heard;
}

}  // namespace cotter::sim
