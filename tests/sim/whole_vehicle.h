// A whole vehicle: its primary over real files, ECUs in memory, honest repositories and time source; its
// storage can be looked at, spoilt, and put back to how it was. Never checks anything itself. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/install/floor_records.h"
#include "client/primary/update_cycle.h"
#include "common/disk/posix_disk.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/time_source_sim.h"
#include "tests/sim/vehicle_sim.h"

namespace cotter::sim {

/// What the director has heard: counters must rise in all that is new to it (DIR-26).
struct Heard {
  std::uint64_t manifest = 0;
  std::map<EcuSerial, std::uint64_t> reports;
};

class WholeVehicle final : public client::Uplink {
 public:
  enum class Time : std::uint8_t { Attested, ByItsOwnClocks };
  /// BRAKE (two slots, full verification, its images from a delegated role), DOOR (one slot, partial),
  /// GATEWAY (the primary's own).
  explicit WholeVehicle(Time time = Time::Attested);

  /// A newer image for each ECU.
  void release() { release_as(released_ + 1); }
  /// Other images under this release counter.
  void release_as(std::uint64_t counter);
  /// Time passes for all, and the publisher renews everything; its roots more than once.
  void age(std::chrono::hours by);
  [[nodiscard]] std::string newest_of(const std::string& ecu) const;

  /// As a service manager starts the program, with the power back on. Faults: it ends at once.
  Result<void> start();
  /// One cycle. An Error: the program ended.
  Result<client::CycleOutcome> cycle();
  void stop();

  /// All that outlives a power cut.
  struct Storage {
    std::map<std::string, Bytes> files;  ///< the primary's, by path below its folder
    std::map<std::string, Flash> flashes;
    Heard heard;
  };
  [[nodiscard]] Storage storage();
  /// Stops the program first.
  void put_back(const Storage& storage);
  [[nodiscard]] std::filesystem::path path(const std::string& file) const { return dir_.path() / file; }
  [[nodiscard]] std::filesystem::path database() const { return path("primary/primary.db"); }

  std::map<std::string, std::unique_ptr<EcuSim>> ecus;
  Heard heard;
  std::vector<std::string> refused;  ///< manifests and reports whose counters did not rise
  /// Asked before each message on the bus, and each piece of an image from the server: false, and it is lost.
  std::function<bool(const std::string& ecu, const wire::Request& request)> bus_carries;
  std::function<bool()> server_sends;
  client::FloorFiles& floors() { return floors_; }

 private:
  trust::Transport& director() override { return world_.director; }
  trust::Transport& director_roots() override { return world_.director; }
  Result<Bytes> attest_time(ByteView request) override;
  void go_by(UtcTime) override {}
  trust::Transport& image_repository() override { return world_.image; }
  Result<void> send_manifest(ByteView manifest) override;
  Result<void> download(const trust::Assignment& assignment, std::uint64_t offset,
                        const std::function<Result<void>(ByteView)>& sink) override;
  wire::Reply carry(const std::string& ecu, const wire::Request& request);

  TempDir dir_;
  VehicleSim world_{"VIN-1"};
  TimeSourceSim time_source_;
  SteppedClock clock_{world_.now};
  SteppedUptime uptime_;
  CountedNonces nonces_{"nonces/vehicle"};
  SimKey key_{"ecu/GATEWAY"};
  disk::PosixDisk disk_;
  client::FloorFiles floors_{disk_, (dir_.path() / "floors").string()};
  std::unique_ptr<client::PrimaryStore> store_;
  std::unique_ptr<client::ImageStore> images_;
  client::Links links_;
  std::optional<client::VehicleTime> time_;
  std::uint64_t released_ = 1;
};

}  // namespace cotter::sim
