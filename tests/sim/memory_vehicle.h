// A vehicle whose every ECU stands on a MemoryDisk: a primary with its own ECU, and secondaries, as the
// programs wire them. Its content can be copied, run, cut off anywhere, and looked at.
// Never checks by the tested code's word alone: what runs is read from the disks. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/ecu/posix_ecu.h"
#include "client/primary/update_cycle.h"
#include "tests/sim/memory_disk.h"
#include "tests/sim/time_source_sim.h"
#include "tests/sim/vehicle_sim.h"

namespace cotter::sim {

/// All that lasts of a vehicle, and what others have heard from it.
struct Garage {
  using Numbers = std::map<std::string, std::uint64_t>;
  std::map<std::string, MemoryDisk> disks;
  std::map<std::string, std::uint64_t> report_counters;    ///< the last that each ECU gave
  std::map<std::string, ReleaseCounter> release_counters;  ///< the highest that each ECU claimed to run
  std::uint64_t manifest_counter = 0;
  int starts = 0;
  /// What complaints() has found on each disk: rollback floors, and "REPOSITORY/ROLE" of trusted metadata.
  std::map<std::string, Numbers> found;

  /// The same for two that come back alike: what the disks hold, and what was said.
  [[nodiscard]] Bytes fingerprint() const;
};

class MemoryVehicle {
 public:
  static constexpr const char* kPrimary = "GATEWAY";

  MemoryVehicle();
  /// Before provisioning; the first is the primary.
  void add_ecu(const std::string& serial, client::Verification verification, client::Slots slots);
  /// As the factory leaves it.
  [[nodiscard]] Garage provisioned() const;
  /// Publishes and assigns "SERIAL release N" to every ECU.
  void release(std::uint64_t counter);
  [[nodiscard]] static std::string image_of(const std::string& serial, std::uint64_t counter);

  /// Every ECU that has power starts, and the primary runs one cycle. An error: the primary itself failed.
  Result<client::CycleOutcome> cycle(Garage& garage);
  struct Ran {
    client::CycleOutcome outcome;  ///< of the last cycle
    std::uint64_t syncs = 0;       ///< that it cost the primary's disk, its own ECU's among them
  };
  /// The same with so many cycles one after another, as a primary that goes on polling.
  Result<Ran> run(Garage& garage, int cycles);

  /// The release that an ECU boots; nothing for an image that is not whole.
  [[nodiscard]] std::optional<std::uint64_t> boots(const Garage& garage, const std::string& serial) const;
  /// What is wrong on the disks of a vehicle that comes back, one line each; empty: nothing. What it found
  /// before must not have gone back. What an ECU says that it must not say (a counter twice, a floor that
  /// sank) ends run() with an error.
  std::vector<std::string> complaints(Garage& garage) const;
  [[nodiscard]] const std::vector<EcuOrder>& ecus() const noexcept { return orders_; }
  VehicleSim& repositories() noexcept { return vehicle_; }

 private:
  class Power;
  [[nodiscard]] std::vector<client::KnownEcu> known() const;
  [[nodiscard]] std::optional<std::uint64_t> booted(MemoryDisk& disk, const std::string& serial) const;
  Result<void> look_at(MemoryDisk& disk, const EcuSerial& ecu, Garage::Numbers& found) const;
  [[nodiscard]] Result<Garage::Numbers> look_at_primary(MemoryDisk disk) const;
  [[nodiscard]] client::EcuConfig config_of(const EcuOrder& order) const;
  VehicleSim vehicle_;
  TimeSourceSim time_source_;
  std::vector<EcuOrder> orders_;
  std::uint64_t newest_ = 1;
};

}  // namespace cotter::sim
