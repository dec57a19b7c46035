#include "server/storage/sqlite/ecu_store.h"

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "server/storage/sqlite/time_column.h"

namespace cotter::storage {
namespace {

using inventory::EcuRecord;

Result<void> check_is_no_ecu(host::Db& db, const EcuRecord& ecu) {
  auto row = TRY(db.query("SELECT serial, vin FROM ecu WHERE serial = ?1 OR key_material = ?2",
                          {ecu.serial.value(), ecu.key.material()}));
  if (!TRY(row.step())) return {};
  const std::string owner = "ECU " + row.text(0) + " of vehicle " + row.text(1);
  if (row.text(0) == ecu.serial.value()) {
    return fault(Fault::Kind::Denied, owner + " is in the inventory already",
                 "an ECU serial belongs to one vehicle alone");
  }
  return fault(Fault::Kind::Denied, "ECU " + ecu.serial.value() + " has the key of " + owner,
               "every ECU needs a key of its own: provision it anew");
}

/// With another serial its key would be another's, in another vehicle its serial; and a release counter means
/// nothing for other hardware.
Result<void> check_was_no_other(host::Db& db, const VehicleId& vin, const EcuRecord& ecu) {
  auto row = TRY(
      db.query("SELECT serial, vin FROM former_ecu WHERE (serial = ?1 OR key_material = ?2)"
               " AND NOT (vin = ?3 AND serial = ?1 AND json_extract(record, '$.hardware_id') = ?4)"
               " AND NOT (vin = ?3 AND serial <> ?1 AND report IS NULL AND coalesce(manifest_counter, 0) = 0)"
               " ORDER BY id LIMIT 1",
               {ecu.serial.value(), ecu.key.material(), vin.value(), ecu.hardware_id.value()}));
  if (!TRY(row.step())) return {};
  const std::string owner = "ECU " + row.text(0) + ", which vehicle " + row.text(1) + " had";
  const bool is_serial = row.text(0) == ecu.serial.value();
  return fault(
      Fault::Kind::Denied,
      is_serial ? "the serial is that of " + owner : "ECU " + ecu.serial.value() + " has the key of " + owner,
      "provision it anew, under a serial and with a key of its own");
}

/// The director's metadata for the vehicle is another from now on.
Result<void> note_change(host::Db& db, const VehicleId& vin) {
  return db.run("UPDATE vehicle SET desired_revision = desired_revision + 1 WHERE vin = ?1", {vin.value()});
}

}  // namespace

Result<void> check_free(host::Db& db, const VehicleId& vin, const EcuRecord& ecu) {
  TRY(check_is_no_ecu(db, ecu));
  return check_was_no_other(db, vin, ecu);
}

Result<void> EcuStore::retire(const VehicleId& vin, const EcuSerial& serial, const std::string& reason,
                              UtcTime now) {
  TRY(
      db_->run("INSERT INTO former_ecu (vin, serial, key_material, record, floor, report_counter,"
               " report_digest, report, reported_at, quarantined, manifest_counter, left_at, reason)"
               " SELECT e.vin, serial, key_material, record, floor, report_counter, report_digest, report,"
               " reported_at, quarantined, CASE is_primary WHEN 1 THEN manifest_counter END, ?3, ?4"
               " FROM ecu e JOIN vehicle v ON v.vin = e.vin WHERE e.vin = ?1 AND serial = ?2",
               {vin.value(), serial.value(), seconds_of(now), reason}));
  COTTER_ASSERT(db_->changes() == 1);
  TRY(db_->run("UPDATE assignment SET ended_at = ?2 WHERE serial = ?1 AND ended_at IS NULL",
               {serial.value(), seconds_of(now)}));
  TRY(db_->run("DELETE FROM ecu WHERE serial = ?1", {serial.value()}));
  return note_change(*db_, vin);
}

Result<void> EcuStore::admit(const VehicleId& vin, const EcuRecord& ecu) {
  TRY(check_free(*db_, vin, ecu));
  const std::string& serial = ecu.serial.value();
  TRY(db_->run(
      "INSERT INTO ecu (serial, vin, position, hardware_id, is_primary, key_material, record, floor)"
      " SELECT ?1, ?2, (SELECT coalesce(max(position) + 1, 0) FROM ecu WHERE vin = ?2), ?3, ?4, ?5, ?6,"
      " max(?7, coalesce((SELECT max(floor) FROM former_ecu WHERE serial = ?1), 0))",
      {serial, vin.value(), ecu.hardware_id.value(), ecu.primary, ecu.key.material(),
       json::to_text(ecu.encode()), ecu.release_counter.value()}));
  TRY(db_->run(
      "UPDATE ecu SET report_counter = f.report_counter, report_digest = f.report_digest,"
      " report = f.report, reported_at = f.reported_at, quarantined = f.quarantined FROM"
      " (SELECT * FROM former_ecu WHERE serial = ?1 AND key_material = ?2 ORDER BY id DESC LIMIT 1) f"
      " WHERE ecu.serial = ?1",
      {serial, ecu.key.material()}));
  if (ecu.primary) {
    TRY(db_->run(
        "UPDATE vehicle SET manifest_counter = coalesce((SELECT max(manifest_counter) FROM former_ecu"
        " WHERE vin = ?1 AND key_material = ?2), 0) WHERE vin = ?1",
        {vin.value(), ecu.key.material()}));
  }
  TRY(settle_pending(vin, ecu));
  return note_change(*db_, vin);
}

/// One with another key, or as other hardware, is still a sign of attack.
Result<void> EcuStore::settle_pending(const VehicleId& vin, const EcuRecord& ecu) {
  std::vector<std::string> said;
  auto row = TRY(db_->query("SELECT key FROM pending_ecu WHERE vin = ?1 AND serial = ?2 AND hardware_id = ?3",
                            {vin.value(), ecu.serial.value(), ecu.hardware_id.value()}));
  while (TRY(row.step())) said.push_back(row.text(0));
  for (const std::string& text : said) {
    const json::Value document = TRY(json::read(as_bytes(text)));
    const auto key = TRY(crypto::PublicKey::decode(document, crypto::Profile::Vehicle));
    if (key.material() != ecu.key.material()) continue;
    TRY(db_->run("DELETE FROM pending_ecu WHERE vin = ?1 AND serial = ?2 AND hardware_id = ?3 AND key = ?4",
                 {vin.value(), ecu.serial.value(), ecu.hardware_id.value(), text}));
  }
  return {};
}

Result<std::vector<FormerEcu>> EcuStore::former(const VehicleId& vin) {
  auto row = TRY(
      db_->query("SELECT record, left_at, reason FROM former_ecu WHERE vin = ?1 ORDER BY id", {vin.value()}));
  std::vector<FormerEcu> all;
  while (TRY(row.step())) {
    const std::string text = row.text(0);
    const json::Value record = TRY(json::read(as_bytes(text)));
    all.push_back({TRY(EcuRecord::decode(record)), time_at(row, 1), row.text(2)});
  }
  return all;
}

}  // namespace cotter::storage
