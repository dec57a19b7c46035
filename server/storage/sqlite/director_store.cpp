#include "server/storage/sqlite/director_store.h"

#include "common/json/canonical.h"
#include "server/storage/sqlite/time_column.h"

namespace cotter::storage {
namespace {

/// The newest row only: a version that was skipped after a crash is in no row.
Result<std::optional<Bytes>> file_of(host::Db& db, std::string_view sql, const VehicleId& vin,
                                     Version version) {
  auto row = TRY(db.query(sql, {vin.value(), version.value()}));
  if (!TRY(row.step())) return std::optional<Bytes>();
  return std::optional<Bytes>(row.blob(0));
}

}  // namespace

Result<std::optional<inventory::MetadataSet>> DirectorStore::current(const VehicleId& vin) {
  auto row = TRY(db_->query(
      "SELECT targets_version, snapshot_version, timestamp_version, root_version, desired_revision, made_at,"
      " expires, targets, snapshot, timestamp FROM director_set"
      " WHERE vin = ?1 ORDER BY timestamp_version DESC LIMIT 1",
      {vin.value()}));
  if (!TRY(row.step())) return std::optional<inventory::MetadataSet>();
  inventory::MetadataSet set;
  set.targets_version = Version(row.count(0));
  set.snapshot_version = Version(row.count(1));
  set.timestamp_version = Version(row.count(2));
  set.root_version = Version(row.count(3));
  set.desired_revision = row.count(4);
  set.made_at = time_at(row, 5);
  set.expires = time_at(row, 6);
  set.targets = row.blob(7);
  set.snapshot = row.blob(8);
  set.timestamp = row.blob(9);
  return std::optional(std::move(set));
}

Result<std::optional<Bytes>> DirectorStore::snapshot(const VehicleId& vin, Version version) {
  return file_of(*db_, "SELECT snapshot FROM director_set WHERE vin = ?1 AND snapshot_version = ?2", vin,
                 version);
}

Result<std::optional<Bytes>> DirectorStore::targets(const VehicleId& vin, Version version) {
  return file_of(*db_, "SELECT targets FROM director_set WHERE vin = ?1 AND targets_version = ?2", vin,
                 version);
}

Result<std::optional<SetsInAll>> DirectorStore::in_all(UtcTime now) {
  auto row = TRY(db_->query(
      "WITH last AS (SELECT vin, made_at, expires, max(timestamp_version) FROM director_set GROUP BY vin)"
      " SELECT made_at, max(expires), count(*), (SELECT count(*) FROM last WHERE expires <= ?1),"
      " (SELECT count(*) FROM ecu WHERE vin IN (SELECT vin FROM last)) FROM last",
      {seconds_of(now)}));
  if (!TRY(row.step()) || row.count(2) == 0) return std::optional<SetsInAll>();
  return std::optional(
      SetsInAll{{row.count(2), row.count(4)}, row.count(3), time_at(row, 0), time_at(row, 1)});
}

Result<std::vector<VehiclesAlike>> DirectorStore::alike() {
  auto row = TRY(db_->query(
      "WITH last AS (SELECT vin, root_version, max(timestamp_version) FROM director_set GROUP BY vin),"
      " partially AS (SELECT DISTINCT vin FROM ecu WHERE json_extract(record, '$.verification') = ?1)"
      " SELECT last.root_version, partially.vin IS NOT NULL AS is_partial, count(*), min(vehicle.vin)"
      " FROM vehicle LEFT JOIN last ON last.vin = vehicle.vin"
      " LEFT JOIN partially ON partially.vin = vehicle.vin"
      " GROUP BY last.root_version, is_partial ORDER BY count(*) DESC, min(vehicle.vin)",
      {inventory::name_of(inventory::Verification::Partial)}));
  std::vector<VehiclesAlike> all;
  while (TRY(row.step())) {
    VehiclesAlike& each = all.emplace_back();
    if (!row.is_null(0)) each.root_version = Version(row.count(0));
    each.partial = row.integer(1) != 0;
    each.vehicles = row.count(2);
    each.example = VehicleId(row.text(3));
  }
  return all;
}

Result<void> DirectorStore::put(const VehicleId& vin, const inventory::MetadataSet& set,
                                const json::Value& entries) {
  const std::string& id = vin.value();
  TRY(
      db_->run("DELETE FROM director_set WHERE vin = ?1 AND timestamp_version <"
               " (SELECT max(timestamp_version) FROM director_set WHERE vin = ?1)",
               {id}));
  TRY(
      db_->run("INSERT INTO director_set (vin, timestamp_version, snapshot_version, targets_version,"
               " root_version, desired_revision, made_at, expires, timestamp, snapshot, targets)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
               {id, set.timestamp_version.value(), set.snapshot_version.value(), set.targets_version.value(),
                set.root_version.value(), set.desired_revision, seconds_of(set.made_at),
                seconds_of(set.expires), set.timestamp, set.snapshot, set.targets}));
  const std::string resolved = json::to_text(entries);
  return db_->run(
      "INSERT INTO resolution (vin, targets_version, made_at, entries) SELECT ?1, ?2, ?3, ?4"
      " WHERE ?4 IS NOT (SELECT entries FROM resolution WHERE vin = ?1"
      " ORDER BY targets_version DESC LIMIT 1)",
      {id, set.targets_version.value(), seconds_of(set.made_at), resolved});
}

}  // namespace cotter::storage
