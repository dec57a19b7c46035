// A vehicle of the kit as a server hears it: its next manifest or ECU list, honest but for what a scenario's
// step changes. Never sends anything. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/json/value.h"
#include "tests/replay/server_identity.h"

namespace cotter::replay {

class SpokenVehicle {
 public:
  /// `first_key` is of its first ECU. Its counters go on from run to run: they begin at the clock's.
  SpokenVehicle(const Identity& identity, inventory::VehicleRecord record, std::uint64_t first_key);

  [[nodiscard]] const std::string& vin() const noexcept { return record_.vin.value(); }
  /// The next manifest. `change` is a step's `manifest`; empty: honest.
  Bytes manifest(const json::Object& change = {});
  /// The ECU list that the vehicle confirms, with a step's `register` in it.
  [[nodiscard]] Bytes ecu_list(const json::Object& change = {}) const;
  /// Serials that such an ECU list names other than the factory did.
  [[nodiscard]] static std::vector<std::string> altered_in(const json::Object& change);

 private:
  const Identity* identity_;
  inventory::VehicleRecord record_;
  std::uint64_t first_key_;
  std::uint64_t counter_;
};

}  // namespace cotter::replay
