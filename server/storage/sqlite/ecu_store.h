// ECUs that enter and leave vehicles, in SQLite (DIR-14): what they were is kept.
// Judges names and keys alone; all else was checked before. Belongs to its Db's thread. Every function's
// Faults: those of a read or write (Busy, NoSpace, Denied, Io).
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/inventory/vehicle.h"

namespace cotter::storage {

/// An ECU that a vehicle had.
struct FormerEcu {
  inventory::EcuRecord record;
  UtcTime left_at{};
  std::string reason;
};

/// DIR-12: neither its serial nor its key is, or ever was, another ECU's. With its serial an ECU may come
/// back to its own vehicle, as the same kind of hardware; and a record that was withdrawn before its ECU had
/// said anything binds its key to no serial. Fault: Denied (which is taken, and by whom).
Result<void> check_free(host::Db& db, const VehicleId& vin, const inventory::EcuRecord& ecu);

class EcuStore {
 public:
  explicit EcuStore(host::Db& db) : db_(&db) {}

  /// It is no ECU of this vehicle, which has it, any more, and nothing is assigned to it. In a transaction of
  /// the caller's.
  Result<void> retire(const VehicleId& vin, const EcuSerial& serial, const std::string& reason, UtcTime now);
  /// It is one from now on, behind the others. One that was there before keeps its floor (PRI-31), and with
  /// its key what it has said: an old report is still old, and a stranger's image a stranger's. A primary
  /// that signs with another key counts its manifests anew. What the vehicle had said of it, just as it is
  /// recorded now, waits for nobody any longer. In a transaction of the caller's. Faults beside: those of
  /// check_free().
  Result<void> admit(const VehicleId& vin, const inventory::EcuRecord& ecu);

  Result<std::vector<FormerEcu>> former(const VehicleId& vin);  ///< in the order in which they left

 private:
  Result<void> settle_pending(const VehicleId& vin, const inventory::EcuRecord& ecu);
  host::Db* db_;
};

}  // namespace cotter::storage
