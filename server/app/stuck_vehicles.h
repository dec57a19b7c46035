// Which vehicles wait in vain. As Db: one thread at a time.
#pragma once

#include <functional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/director/stuck.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {

using EachStuck = std::function<void(const VehicleId& vin, const director::Stuck& stuck)>;

/// Calls `each` with what is past its deadline, in order of VINs, for `filter.limit` vehicles at most. What
/// is held in memory does not grow with the fleet's ECUs. Faults: those of reading (Busy, Denied, Io).
Result<void> stuck_vehicles(host::Db& db, const storage::VehicleFilter& filter,
                            const director::Deadlines& deadlines, UtcTime now, const EachStuck& each);

}  // namespace cotter::app
