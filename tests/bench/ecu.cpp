#include <filesystem>
#include <fstream>

#include "client/links/tcp_link.h"
#include "tests/bench/benches.h"
#include "tests/bench/measure.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/vehicle_sim.h"
#include "tests/world/process.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kImageBytes = 4'000'000;

UtcTime real_now() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}
void write_file(const fs::path& file, ByteView content) {
  std::ofstream(file, std::ios::binary) << as_text(content);
}

Result<void> provision(const Places& places, const fs::path& dir, const sim::EcuOrder& order) {
  write_file(dir / "factory.bin", as_bytes(order.image));
  write_file(dir / "director.json", order.identity.director_root);
  TRY(world::run_well(
      {places.programs / "cotter-secondary",
       {"provision", (dir / "ecu").string(), "--vin", order.identity.vin.value(), "--serial",
        order.identity.serial.value(), "--hardware-id", order.identity.hardware_id.value(), "--verification",
        "partial", "--director-root", (dir / "director.json").string(), "--image",
        (dir / "factory.bin").string(), "--image-name", order.image_name.value(), "--listen", "127.0.0.1:0"},
       {},
       {}}));
  return {};
}

Result<client::InstallOutcome> update(client::EcuLink& link, sim::VehicleSim& vehicle,
                                      const sim::EcuOrder& order, const std::string& image) {
  sim::MemoryImage source(image);
  TRY(link.put_metadata(vehicle));
  const trust::Assignment assignment = TRY(vehicle.assignment(order));
  TRY(link.stage(assignment, source));
  return link.commit(assignment, source);
}

/// Peak memory of the real program after it has taken one update over TCP.
Result<double> peak_of_update(const Places& places, const fs::path& dir) {
  sim::VehicleSim vehicle("VIN1", real_now());
  const sim::EcuOrder order = vehicle.order("ecu1", client::Verification::Partial);
  TRY(provision(places, dir, order));
  const auto& identity = order.identity;
  auto ecu = TRY(world::Daemon::start({places.ecu_program,
                                       {(dir / "ecu").string(), "127.0.0.1", "0", identity.vin.value(),
                                        identity.serial.value(), identity.hardware_id.value()},
                                       {},
                                       dir / "log"}));
  const std::string ready = TRY(ecu.read_line());
  client::TcpLink link(TRY(client::parse_tcp_address(ready.substr(ready.rfind(' ') + 1))));
  const std::string image(kImageBytes, 'n');
  vehicle.release(order, TargetName("team/ecu1/new.bin"), image, 2);
  if (!TRY(update(link, vehicle, order, image)).installed) {
    return fault(Fault::Kind::Io, "the secondary did not take the update");
  }
  return peak_bytes_of(ecu.pid());
}

}  // namespace

Result<Figures> bench_ecu(const Places& places) {
  const sim::TempDir temp;
  const fs::path empty = places.programs / "cotter-bench-empty";
  const double size = TRY(stripped_bytes(places.ecu_program, temp.path()));
  const double empty_size = TRY(stripped_bytes(empty, temp.path()));
  const double peak = TRY(peak_of_update(places, temp.path()));
  const Usage nothing = TRY(measure_well({empty, {}, {}, {}}));
  return Figures{
      beside(counted("cotter_secondary_min, stripped", Unit::Bytes, size), "libsodium alone", empty_size),
      beside(counted("its peak memory, 4 MB update", Unit::Bytes, peak), "libsodium alone",
             nothing.peak_bytes),
  };
}

}  // namespace cotter::bench
