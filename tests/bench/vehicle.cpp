#include "tests/bench/vehicle.h"

#include <unistd.h>

#include <fstream>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxFile = 1024ULL * 1024 * 1024;
constexpr std::size_t kBlock = 32;

/// Bytes that no one can compress, the same at each run.
void write_image(const fs::path& file, std::uint64_t bytes) {
  std::ofstream out(file, std::ios::binary);
  Bytes block(kBlock, 1);
  for (std::uint64_t done = 0; done < bytes; done += kBlock) {
    block = crypto::sha256(block);
    out << as_text(block);
  }
}

std::vector<world::EcuPlan> one_ecu(const fs::path& dir) {
  return {{.serial = "GATEWAY-0001",
           .hardware_id = "gateway-mk1",
           .team = "platform",
           .primary = true,
           .before = dir / "before.bin",
           .after = dir / "after.bin"}};
}

}  // namespace

Result<void> replace_in(const fs::path& file,
                        const std::vector<std::pair<std::string, std::string>>& changes) {
  std::string text(as_text(TRY(host::read_file(file, kMaxFile))));
  for (const auto& [from, to] : changes) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }
  return host::write_atomically(file, as_bytes(text));
}

WaitingVehicle::WaitingVehicle(const Places& places, std::uint64_t image_bytes)
    : world_(dir_.path() / "world", places.programs, one_ecu(dir_.path())) {
  write_image(dir_.path() / "before.bin", 4096);
  write_image(image(), image_bytes);
}

Result<std::unique_ptr<WaitingVehicle>> WaitingVehicle::make(const Places& places,
                                                             std::uint64_t image_bytes) {
  std::unique_ptr<WaitingVehicle> vehicle(new WaitingVehicle(places, image_bytes));
  world::World& world = vehicle->world_;
  TRY(world.make_workspace());
  TRY(world.start_server());  // its port stands in the vehicle's configuration
  TRY(world.build_vehicle());
  TRY(replace_in(vehicle->primary_dir() / "primary.toml",
                 {{"poll_every_seconds = 300", "poll_every_seconds = 1"}}));
  TRY(world.publish(world.primary(), vehicle->image(), 2));
  TRY(world.assign(world.primary(), vehicle->image()));
  world.stop();
  std::error_code error;
  fs::rename(vehicle->scratch() / "world", vehicle->scratch() / "pristine", error);
  if (error) return fail(host::errno_fault("cannot keep the vehicle", error.value()));
  return vehicle;
}

Result<void> WaitingVehicle::restore() {
  world_.stop();
  plain_.reset();
  std::error_code error;
  fs::remove_all(scratch() / "world", error);
  fs::copy(scratch() / "pristine", scratch() / "world",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
  if (error) return fail(host::errno_fault("cannot put the vehicle back", error.value()));
  // What the copy left to be written out must not be paid for by what is measured.
  ::sync();
  return {};
}

Result<void> WaitingVehicle::begin_anew() {
  TRY(restore());
  return world_.start_server();
}

Result<int> WaitingVehicle::begin_anew_in_plain() {
  TRY(restore());
  world::Command server = world_.command(
      "cotterd", {"-C", world_.workspace().string(), "--json", "--plain", "--listen", "127.0.0.1:0"});
  server.environment.erase("COTTER_PASSPHRASE_HOLDER");
  server.log = scratch() / "plain.log";
  plain_ = TRY(world::Daemon::start(server));
  const json::Value ready = TRY(json::read(as_bytes(TRY(plain_->read_line()))));
  const std::string url = TRY(TRY(json::ObjectView::of(ready, "cotterd")).string("listening"));
  TRY(replace_in(primary_dir() / "primary.toml",
                 {{world_.server_url() + "/director/", url + "/director/vehicles/" + world_.vin() + "/"},
                  {world_.server_url(), url}}));
  return std::stoi(url.substr(url.rfind(':') + 1));
}

world::Command WaitingVehicle::once() const {
  world::Command command = polling();
  command.arguments.emplace_back("--once");
  return command;
}

world::Command WaitingVehicle::polling() const {
  world::Command command =
      world_.command("cotter-primary", {"--config", (primary_dir() / "primary.toml").string(), "--json"});
  command.environment.clear();
  command.log = scratch() / "primary.log";
  return command;
}

Result<std::string> WaitingVehicle::image_url() const {
  const std::string digest = to_hex(crypto::sha256(TRY(host::read_file(image(), kMaxFile))));
  const world::EcuPlan& ecu = world_.primary();
  return server_url() + "/repo/targets/" + ecu.team + "/" + ecu.hardware_id + "/" + digest + ".after.bin";
}

Result<void> WaitingVehicle::check_updated() {
  const std::string wanted = to_hex(crypto::sha256(TRY(host::read_file(image(), kMaxFile))));
  if (to_hex(crypto::sha256(TRY(host::read_file(primary_dir() / "active", kMaxFile)))) == wanted) return {};
  return fault(Fault::Kind::Io, "the primary does not run the update", "see what it said");
}

}  // namespace cotter::bench
