// ECUs that are to run images which go, with whoever signs them: from then on they are to run nothing, and
// keep what they have. Never gives an ECU another image. As Db: one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/app/removed_suppliers.h"

namespace cotter::app {

struct EndedAssignment {
  VehicleId vin;
  EcuSerial ecu;
  TargetName image;
};

/// The ECUs that are to run one of these images, by vehicle. Faults: Busy, Io.
Result<std::vector<EndedAssignment>> assigned_ecus(host::Db& db, const ListedImages& images);

/// In a transaction of the caller's, in which assigned_ecus() found them; each is in the ledger. The vehicles
/// learn of it with their next poll. Faults: NoSpace, Busy, Io.
Result<void> end_assignments(host::Db& db, const std::vector<EndedAssignment>& assignments,
                             const std::string& reason, UtcTime now);

}  // namespace cotter::app
