// What people choose vehicles by. As Db: one thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/inventory/vehicle.h"

namespace cotter::app {

struct TagChange {
  std::vector<inventory::VehicleTag> add;
  std::vector<inventory::VehicleTag> remove;
};

/// Gives each of these vehicles the tags and takes the others from it, all of them or none; those that it
/// has, or has not, already are left as they are. The ledger has an entry for each vehicle that changed.
/// Returns how many did. Faults: Usage (a tag that is no identifier, or one to add and to remove), NotFound
/// (a vehicle: which, and how many more), NoSpace, Busy, Io.
Result<std::uint64_t> tag_vehicles(host::Db& db, const std::vector<VehicleId>& vins, const TagChange& change,
                                   UtcTime now);

}  // namespace cotter::app
