// What ECUs can verify, by hardware id, and which of them there are.
// Never guesses: a hardware id that nobody described has no row. As Db: one thread at a time. Every
// function's Faults: those of a read or write (Busy, NoSpace, Denied, Io).
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/host/sqlite.h"
#include "server/inventory/abilities.h"
#include "server/inventory/vehicle.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::storage {

/// The ECUs of one hardware id that verify in one way.
struct Generation {
  HardwareId hardware;
  inventory::Verification verification{};  ///< of a primary always Full
  FleetCount count;
};

class HardwareStore {
 public:
  explicit HardwareStore(host::Db& db) : db_(&db) {}

  /// In place of what was noted before.
  Result<void> note(const HardwareId& hardware, const inventory::Abilities& abilities);
  Result<std::map<HardwareId, inventory::Abilities>> described();
  /// Of all recorded ECUs; or of those of these kinds, and the primaries of the vehicles that they are in. In
  /// order of hardware id.
  Result<std::vector<Generation>> generations(const std::optional<std::vector<HardwareId>>& hardware);
  /// Vehicles with an ECU of any of these generations, each once.
  Result<std::uint64_t> vehicles_with(const std::vector<Generation>& generations);

 private:
  host::Db* db_;
};

}  // namespace cotter::storage
