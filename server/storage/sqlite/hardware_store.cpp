#include "server/storage/sqlite/hardware_store.h"

#include <string>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"

namespace cotter::storage {
namespace {

using inventory::Abilities;

Result<std::optional<std::set<crypto::Scheme>>> schemes_in(const host::Statement& row, int column) {
  if (row.is_null(column)) return std::optional<std::set<crypto::Scheme>>();
  const std::string text = row.text(column);
  const json::Value list = TRY(json::read(as_bytes(text)));
  std::set<crypto::Scheme> schemes;
  for (const json::Value& name : *list.as_array())
    schemes.insert(TRY(inventory::scheme_named(*name.as_string())));
  return std::optional(std::move(schemes));
}

std::optional<std::uint64_t> bytes_in(const host::Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.count(column));
}

}  // namespace

Result<void> HardwareStore::note(const HardwareId& hardware, const Abilities& abilities) {
  std::optional<std::string> schemes;
  if (abilities.schemes) {
    json::Array names;
    for (const crypto::Scheme scheme : *abilities.schemes) names.emplace_back(crypto::name_of(scheme));
    schemes = json::to_text(names);
  }
  return db_->run(
      "INSERT OR REPLACE INTO hardware (hardware_id, schemes, max_metadata, max_root, max_targets)"
      " VALUES (?1, ?2, ?3, ?4, ?5)",
      {hardware.value(), schemes, abilities.max_metadata, abilities.max_root, abilities.max_targets});
}

Result<std::map<HardwareId, Abilities>> HardwareStore::described() {
  auto row =
      TRY(db_->query("SELECT hardware_id, schemes, max_metadata, max_root, max_targets FROM hardware"));
  std::map<HardwareId, Abilities> all;
  while (TRY(row.step())) {
    Abilities abilities;
    abilities.schemes = TRY(schemes_in(row, 1));
    abilities.max_metadata = bytes_in(row, 2);
    abilities.max_root = bytes_in(row, 3);
    abilities.max_targets = bytes_in(row, 4);
    all.emplace(HardwareId(row.text(0)), std::move(abilities));
  }
  return all;
}

Result<std::vector<Generation>> HardwareStore::generations(
    const std::optional<std::vector<HardwareId>>& hardware) {
  std::optional<std::string> ids;
  if (hardware) {
    json::Array list;
    for (const HardwareId& id : *hardware) list.emplace_back(id.value());
    ids = json::to_text(list);
  }
  auto row = TRY(db_->query(
      "SELECT hardware_id, is_primary = 0 AND json_extract(record, '$.verification') = ?2 AS partial,"
      " count(DISTINCT vin), count(*) FROM ecu"
      " WHERE ?1 IS NULL OR hardware_id IN (SELECT value FROM json_each(?1))"
      " OR (is_primary = 1 AND vin IN"
      " (SELECT vin FROM ecu WHERE hardware_id IN (SELECT value FROM json_each(?1))))"
      " GROUP BY 1, 2 ORDER BY 1, 2",
      {ids, inventory::name_of(inventory::Verification::Partial)}));
  std::vector<Generation> found;
  while (TRY(row.step())) {
    const auto verification =
        row.integer(1) != 0 ? inventory::Verification::Partial : inventory::Verification::Full;
    found.push_back({HardwareId(row.text(0)), verification, {row.count(2), row.count(3)}});
  }
  return found;
}

Result<std::uint64_t> HardwareStore::vehicles_with(const std::vector<Generation>& generations) {
  json::Array full, partial;
  for (const Generation& each : generations) {
    (each.verification == inventory::Verification::Full ? full : partial).emplace_back(each.hardware.value());
  }
  auto row = TRY(db_->query(
      "SELECT count(DISTINCT vin) FROM ecu WHERE hardware_id IN (SELECT value FROM json_each("
      "CASE WHEN is_primary = 0 AND json_extract(record, '$.verification') = ?3 THEN ?2 ELSE ?1 END))",
      {json::to_text(full), json::to_text(partial), inventory::name_of(inventory::Verification::Partial)}));
  TRY(row.step());
  return row.count(0);
}

}  // namespace cotter::storage
