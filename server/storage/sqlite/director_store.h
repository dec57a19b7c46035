// Each vehicle's signed director files in SQLite: the current set and the one before it.
// Never makes or changes a file. Belongs to its Db's thread. Faults: those of a read or write.
#pragma once

#include <optional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/host/sqlite.h"
#include "common/json/value.h"
#include "server/inventory/metadata_set.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::storage {

/// The current sets of all vehicles, in sum.
struct SetsInAll {
  FleetCount fleet;         ///< vehicles that have one
  std::uint64_t ended = 0;  ///< of these vehicles
  UtcTime made_at{};        ///< of the set that ends last
  UtcTime expires{};
};

/// Vehicles that have sets signed under one root, or none, and for which the same is signed next.
struct VehiclesAlike {
  std::optional<Version> root_version{};  ///< nothing: they have none yet
  bool partial = false;                   ///< some ECU of each verifies partially: their targets say more
  std::uint64_t vehicles = 0;
  VehicleId example{};  ///< the first of them
};

class DirectorStore {
 public:
  explicit DirectorStore(host::Db& db) : db_(&db) {}

  /// Nothing before the first.
  Result<std::optional<inventory::MetadataSet>> current(const VehicleId& vin);
  /// From the current set or the one before. Nothing when neither has that version.
  Result<std::optional<Bytes>> snapshot(const VehicleId& vin, Version version);
  Result<std::optional<Bytes>> targets(const VehicleId& vin, Version version);

  /// Nothing while no vehicle has any.
  Result<std::optional<SetsInAll>> in_all(UtcTime now);
  /// All recorded vehicles, the most that are alike first.
  Result<std::vector<VehiclesAlike>> alike();

  /// Makes `set` the current one and drops all but the one before, inside a transaction of the caller's.
  /// `entries` is what was resolved: a row of the record when it differs from the last (DIR-30).
  Result<void> put(const VehicleId& vin, const inventory::MetadataSet& set, const json::Value& entries);

 private:
  host::Db* db_;
};

}  // namespace cotter::storage
