#include "server/storage/sqlite/inventory_store.h"

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "server/storage/sqlite/ecu_store.h"
#include "server/storage/sqlite/in_transaction.h"
#include "server/storage/sqlite/time_column.h"

namespace cotter::storage {
namespace {

using inventory::Desired;
using inventory::Ecu;
using inventory::EcuAbsence;
using inventory::EcuBehind;
using inventory::EcuNews;
using inventory::EcuRecord;
using inventory::Vehicle;
using inventory::VehicleTag;

Result<json::Value> document_at(const host::Statement& row, int column) {
  const std::string text = row.text(column);
  return json::read(as_bytes(text));
}

Error unknown_vehicle(const VehicleId& vin) {
  return Fault{Fault::Kind::NotFound, "vehicle " + vin.value() + " is not in the inventory",
               "see `cotter vehicle list`; `cotter vehicle add FILE` records one"};
}

Result<std::optional<inventory::Reported>> reported_at(const host::Statement& row) {
  if (row.is_null(2)) return std::optional<inventory::Reported>();
  const json::Value document = TRY(document_at(row, 4));
  const auto report = TRY(model::VersionReport::decode(document));
  inventory::Reported reported;
  reported.counter = row.count(2);
  reported.digest = row.blob(3);
  reported.accepted_at = time_at(row, 5);
  reported.quarantined = row.integer(6) != 0;
  reported.ecu_time = report.time;
  reported.installed = report.installed;
  reported.targets_version = report.director_targets_version;
  return std::optional(std::move(reported));
}

/// Adds what the ECU is to run and all that it was ever to run.
Result<void> load_assignments(host::Db& db, Ecu& ecu) {
  auto row =
      TRY(db.query("SELECT target, entry, made_at, confirmed_at, ended_at FROM assignment WHERE serial = ?1"
                   " ORDER BY id",
                   {ecu.serial().value()}));
  while (TRY(row.step())) {
    const json::Value document = TRY(document_at(row, 1));
    const auto view = TRY(json::ObjectView::of(document, "entry"));
    auto entry = TRY(model::Target::decode(view));
    ecu.given.push_back(entry.hashes);
    ecu.desired.reset();
    if (!row.is_null(4)) continue;  // it left the vehicle, and came back
    ecu.desired =
        Desired{TargetName(row.text(0)), std::move(entry), time_at(row, 2), optional_time_at(row, 3)};
  }
  return {};
}

Result<void> note_signal(host::Db& db, const VehicleId& vin, const EcuSerial& ecu, SignalKind kind,
                         std::string_view detail, UtcTime now) {
  // An ECU that goes on saying the same is one signal, not one a poll.
  return db.run(
      "INSERT INTO attack_signal (vin, serial, seen_at, kind, detail) SELECT ?1, ?2, ?3, ?4, ?5"
      " WHERE ?5 IS NOT (SELECT detail FROM attack_signal WHERE vin = ?1 AND serial = ?2"
      " AND kind = ?4 ORDER BY id DESC LIMIT 1)",
      {vin.value(), ecu.value(), seconds_of(now), name_of(kind), detail});
}

Result<void> write_news(host::Db& db, const VehicleId& vin, const EcuNews& news, UtcTime now) {
  const model::VersionReport& report = news.report;
  const std::string& serial = report.ecu.value();
  TRY(
      db.run("UPDATE ecu SET report_counter = ?2, report_digest = ?3, report = ?4, reported_at = ?5,"
             " quarantined = ?6, floor = ?7, absence = NULL WHERE serial = ?1",
             {serial, report.counter, news.digest, json::to_text(report.encode()), seconds_of(now),
              news.quarantined, news.floor.value()}));
  if (news.confirms) {
    TRY(
        db.run("UPDATE assignment SET confirmed_at = ?2"
               " WHERE id = (SELECT max(id) FROM assignment WHERE serial = ?1)",
               {serial, seconds_of(now)}));
  }
  if (!report.attacks_detected.empty()) {
    TRY(note_signal(db, vin, report.ecu, SignalKind::Detected, report.attacks_detected, now));
  }
  if (news.quarantined) {
    TRY(note_signal(db, vin, report.ecu, SignalKind::UnknownImage,
                    report.installed.name.value() + " " + json::to_text(report.installed.hashes.encode()),
                    now));
  }
  return {};
}

Result<void> write_behind(host::Db& db, const VehicleId& vin, const EcuBehind& behind, UtcTime now) {
  return note_signal(db, vin, behind.ecu, SignalKind::Detected,
                     "mixed-bundles: director targets " + std::to_string(behind.verified.value()) +
                         ", where others have " + std::to_string(behind.newest.value()),
                     now);
}

Result<void> write_absence(host::Db& db, const VehicleId& vin, const EcuAbsence& absence, UtcTime now) {
  TRY(db.run("UPDATE ecu SET absence = ?2 WHERE serial = ?1", {absence.ecu.value(), absence.reason}));
  if (absence.forged) {
    TRY(note_signal(db, vin, absence.ecu, SignalKind::ForgedReport, absence.reason, now));
  }
  return {};
}

Result<std::vector<VehicleTag>> tags_at(const host::Statement& row, int column) {
  const json::Value list = TRY(document_at(row, column));
  std::vector<VehicleTag> tags;
  for (const json::Value& tag : *list.as_array()) tags.emplace_back(std::string(tag.as_string()->view()));
  return tags;
}

std::optional<SignalKind> signal_named(std::string_view name) {
  for (const SignalKind kind : {SignalKind::Detected, SignalKind::ForgedReport, SignalKind::UnknownImage,
                                SignalKind::UnannouncedEcu}) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

/// DIR-12: says which of the record's names is taken, and by whom.
Result<void> check_all_free(host::Db& db, const inventory::VehicleRecord& record) {
  auto vehicle = TRY(db.query("SELECT 1 FROM vehicle WHERE vin = ?1", {record.vin.value()}));
  if (TRY(vehicle.step())) {
    return fault(Fault::Kind::Denied, "vehicle " + record.vin.value() + " is in the inventory already",
                 "see `cotter vehicle show " + record.vin.value() + "`");
  }
  for (const EcuRecord& ecu : record.ecus) TRY(check_free(db, record.vin, ecu));
  return {};
}

}  // namespace

std::string_view name_of(SignalKind kind) noexcept {
  switch (kind) {
    case SignalKind::Detected:
      return "detected";
    case SignalKind::ForgedReport:
      return "forged-report";
    case SignalKind::UnknownImage:
      return "unknown-image";
    case SignalKind::UnannouncedEcu:
      break;
  }
  return "unannounced-ecu";
}

std::string_view name_of(VehicleState state) noexcept {
  switch (state) {
    case VehicleState::Quarantined:
      return "quarantined";
    case VehicleState::Updating:
      return "updating";
    case VehicleState::Current:
      return "current";
    case VehicleState::Unassigned:
      break;
  }
  return "unassigned";
}

std::optional<VehicleState> vehicle_state_named(std::string_view name) noexcept {
  for (const VehicleState state :
       {VehicleState::Quarantined, VehicleState::Updating, VehicleState::Current, VehicleState::Unassigned}) {
    if (name_of(state) == name) return state;
  }
  return std::nullopt;
}

VehicleState VehicleSummary::state() const noexcept {
  if (quarantined > 0) return VehicleState::Quarantined;
  if (confirmed < assigned) return VehicleState::Updating;
  return assigned > 0 ? VehicleState::Current : VehicleState::Unassigned;
}

Result<void> InventoryStore::add(const inventory::VehicleRecord& record, UtcTime now) {
  const auto all = [&]() -> Result<void> {
    TRY(check_all_free(*db_, record));
    TRY(db_->run("INSERT INTO vehicle (vin, added_at) VALUES (?1, ?2)",
                 {record.vin.value(), seconds_of(now)}));
    int position = 0;
    for (const EcuRecord& ecu : record.ecus) {
      TRY(
          db_->run("INSERT INTO ecu (serial, vin, position, hardware_id, is_primary, key_material, record,"
                   " floor) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   {ecu.serial.value(), record.vin.value(), position++, ecu.hardware_id.value(), ecu.primary,
                    ecu.key.material(), json::to_text(ecu.encode()), ecu.release_counter.value()}));
    }
    return {};
  };
  return in_transaction(*db_, all);
}

Result<Vehicle> InventoryStore::load(const VehicleId& vin) {
  auto row = TRY(
      db_->query("SELECT manifest_counter, last_manifest_at, desired_revision FROM vehicle WHERE vin = ?1",
                 {vin.value()}));
  if (!TRY(row.step())) return fail(unknown_vehicle(vin));
  Vehicle vehicle{vin, row.count(0), optional_time_at(row, 1), row.count(2), {}};
  auto ecus = TRY(db_->query(
      "SELECT record, floor, report_counter, report_digest, report, reported_at, quarantined, absence"
      " FROM ecu WHERE vin = ?1 ORDER BY position",
      {vin.value()}));
  while (TRY(ecus.step())) {
    const json::Value record = TRY(document_at(ecus, 0));
    Ecu ecu{TRY(EcuRecord::decode(record)), ReleaseCounter(ecus.count(1))};
    ecu.reported = TRY(reported_at(ecus));
    if (!ecus.is_null(7)) ecu.absence = ecus.text(7);
    TRY(load_assignments(*db_, ecu));
    vehicle.ecus.push_back(std::move(ecu));
  }
  return vehicle;
}

Result<std::uint64_t> InventoryStore::desired_revision(const VehicleId& vin) {
  auto row = TRY(db_->query("SELECT desired_revision FROM vehicle WHERE vin = ?1", {vin.value()}));
  if (!TRY(row.step())) return fail(unknown_vehicle(vin));
  return row.count(0);
}

Result<bool> InventoryStore::tag(const VehicleId& vin, const VehicleTag& tag) {
  TRY(db_->run("INSERT INTO vehicle_tag (vin, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
               {vin.value(), tag.value()}));
  return db_->changes() == 1;
}

Result<bool> InventoryStore::untag(const VehicleId& vin, const VehicleTag& tag) {
  TRY(db_->run("DELETE FROM vehicle_tag WHERE vin = ?1 AND tag = ?2", {vin.value(), tag.value()}));
  return db_->changes() == 1;
}

Result<std::vector<VehicleTag>> InventoryStore::tags(const VehicleId& vin) {
  auto row = TRY(db_->query("SELECT tag FROM vehicle_tag WHERE vin = ?1 ORDER BY tag", {vin.value()}));
  std::vector<VehicleTag> all;
  while (TRY(row.step())) all.emplace_back(row.text(0));
  return all;
}

Result<std::vector<VehicleSummary>> InventoryStore::list(const VehicleFilter& filter) {
  const std::string after = filter.after ? filter.after->value() : "";
  const auto text = [](const auto& wanted) {
    return wanted ? std::optional(std::string_view(wanted->value())) : std::nullopt;
  };
  const auto below = filter.below ? std::optional(filter.below->value()) : std::nullopt;
  json::Array tags;
  for (const VehicleTag& tag : filter.tags) tags.emplace_back(tag.value());
  const std::string all_tags = json::to_text(tags);
  const auto seconds = [](const std::optional<UtcTime>& time) {
    return time ? std::optional(seconds_of(*time)) : std::nullopt;
  };
  auto row = TRY(db_->query(
      "SELECT v.vin, v.last_manifest_at, count(e.serial), coalesce(sum(e.quarantined), 0), count(a.id),"
      " count(a.confirmed_at), (SELECT count(*) FROM attack_signal s WHERE s.vin = v.vin),"
      " (SELECT m.rule IS NOT NULL FROM manifest m WHERE m.vin = v.vin ORDER BY m.id DESC LIMIT 1),"
      " (SELECT json_group_array(tag) FROM (SELECT tag FROM vehicle_tag WHERE vin = v.vin ORDER BY tag))"
      " FROM vehicle v JOIN ecu e ON e.vin = v.vin LEFT JOIN assignment a"
      " ON a.id = (SELECT max(id) FROM assignment WHERE serial = e.serial) AND a.ended_at IS NULL"
      " WHERE v.vin > ?1"
      " AND EXISTS (SELECT 1 FROM ecu o WHERE o.vin = v.vin AND (?2 IS NULL OR o.hardware_id = ?2)"
      "  AND (?5 IS NULL OR ?5 = coalesce(json_extract(o.report, '$.installed_image.filepath'),"
      "   json_extract(o.record, '$.installed_image.name')))"
      "  AND (?6 IS NULL OR o.floor < ?6))"
      " AND (?7 = '[]' OR v.vin IN (SELECT vin FROM vehicle_tag WHERE tag IN (SELECT value FROM "
      "json_each(?7))"
      "  GROUP BY vin HAVING count(*) = (SELECT count(DISTINCT value) FROM json_each(?7))))"
      " AND (?3 IS NULL OR v.last_manifest_at >= ?3)"
      " AND (?4 IS NULL OR v.last_manifest_at IS NULL OR v.last_manifest_at < ?4)"
      " GROUP BY v.vin ORDER BY v.vin",
      {after, text(filter.hardware), seconds(filter.seen_since), seconds(filter.seen_before),
       text(filter.image), below, all_tags}));
  std::vector<VehicleSummary> all;
  while (all.size() < filter.limit && TRY(row.step())) {
    VehicleSummary each;
    each.vin = VehicleId(row.text(0));
    each.last_manifest_at = optional_time_at(row, 1);
    each.ecus = row.count(2);
    each.quarantined = row.count(3);
    each.assigned = row.count(4);
    each.confirmed = row.count(5);
    each.attack_signals = row.count(6);
    if (filter.state && each.state() != *filter.state) continue;
    each.refused = row.integer(7) != 0;
    each.tags = TRY(tags_at(row, 8));
    all.push_back(std::move(each));
  }
  return all;
}

Result<bool> InventoryStore::assign(const Vehicle& judged, const EcuSerial& ecu, const Desired& desired,
                                    Source source) {
  TRY(
      db_->run("UPDATE vehicle SET desired_revision = desired_revision + 1"
               " WHERE vin = ?1 AND desired_revision = ?2",
               {judged.vin.value(), judged.desired_revision}));
  if (db_->changes() != 1) return false;
  TRY(
      db_->run("INSERT INTO assignment (vin, serial, target, entry, source, made_at)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
               {judged.vin.value(), ecu.value(), desired.name.value(), json::to_text(desired.entry.encode()),
                source == Source::Factory ? "factory" : "operator", seconds_of(desired.since)}));
  return true;
}

Result<std::vector<AssignedEcu>> InventoryStore::assigned(const std::vector<TargetName>& names) {
  json::Array wanted;
  for (const TargetName& name : names) wanted.emplace_back(name.value());
  const std::string text = json::to_text(wanted);  // the query reads it as it goes on
  auto row =
      TRY(db_->query("SELECT e.vin, e.serial, a.target, a.entry FROM ecu e JOIN assignment a"
                     " ON a.id = (SELECT max(id) FROM assignment WHERE serial = e.serial)"
                     " WHERE a.ended_at IS NULL AND a.target IN (SELECT value FROM json_each(?1))"
                     " ORDER BY e.vin, e.serial",
                     {text}));
  std::vector<AssignedEcu> all;
  while (TRY(row.step())) {
    const json::Value document = TRY(document_at(row, 3));
    const auto view = TRY(json::ObjectView::of(document, "entry"));
    auto entry = TRY(model::Target::decode(view));
    all.push_back(
        {VehicleId(row.text(0)), EcuSerial(row.text(1)), TargetName(row.text(2)), std::move(entry.hashes)});
  }
  return all;
}

Result<void> InventoryStore::end_assignment(const VehicleId& vin, const EcuSerial& ecu, UtcTime now) {
  TRY(db_->run("UPDATE assignment SET ended_at = ?2 WHERE serial = ?1 AND ended_at IS NULL",
               {ecu.value(), seconds_of(now)}));
  return db_->run("UPDATE vehicle SET desired_revision = desired_revision + 1 WHERE vin = ?1", {vin.value()});
}

Result<bool> InventoryStore::accept(const Vehicle& judged, const inventory::ManifestNews& news, ByteView body,
                                    UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(*db_));
  TRY(db_->run(
      "UPDATE vehicle SET manifest_counter = ?2, last_manifest_at = ?3"
      " WHERE vin = ?1 AND manifest_counter = ?4 AND desired_revision = ?5",
      {judged.vin.value(), news.counter, seconds_of(now), judged.manifest_counter, judged.desired_revision}));
  if (db_->changes() != 1) return false;
  for (const EcuNews& each : news.fresh) TRY(write_news(*db_, judged.vin, each, now));
  for (const EcuSerial& ecu : news.stale) {
    TRY(db_->run("UPDATE ecu SET absence = NULL WHERE serial = ?1", {ecu.value()}));
  }
  for (const EcuAbsence& each : news.absent) TRY(write_absence(*db_, judged.vin, each, now));
  for (const EcuBehind& each : news.behind) TRY(write_behind(*db_, judged.vin, each, now));
  TRY(db_->run("INSERT INTO manifest (vin, received_at, digest, body) VALUES (?1, ?2, ?3, ?4)",
               {judged.vin.value(), seconds_of(now), crypto::sha256(body), body}));
  TRY(transaction.commit());
  return true;
}

Result<bool> InventoryStore::note_refused(const VehicleId& vin, const Rejection& why, ByteView body,
                                          UtcTime now) {
  const std::string_view rule = rule_of(why.rule).name;
  const auto one = [&]() -> Result<bool> {
    auto last =
        TRY(db_->query("SELECT rule FROM manifest WHERE vin = ?1 ORDER BY id DESC LIMIT 1", {vin.value()}));
    const bool is_repeated = TRY(last.step()) && last.text(0) == rule;
    TRY(db_->run("INSERT INTO manifest (vin, received_at, digest, rule, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
                 {vin.value(), seconds_of(now), crypto::sha256(body), rule, summary(why)}));
    return !is_repeated;
  };
  return in_transaction(*db_, one);
}

Result<void> InventoryStore::note_pending(const Vehicle& vehicle, const std::vector<PendingEcu>& ecus,
                                          UtcTime now) {
  const std::string& vin = vehicle.vin.value();
  auto transaction = TRY(host::Transaction::begin(*db_));
  for (const PendingEcu& ecu : ecus) {
    const std::string key = json::to_text(ecu.key);
    TRY(db_->run(
        "INSERT INTO pending_ecu (vin, serial, hardware_id, key, first_seen) SELECT ?1, ?2, ?3, ?4, ?5"
        " WHERE (SELECT count(*) FROM pending_ecu WHERE vin = ?1) < ?6 ON CONFLICT DO NOTHING",
        {vin, ecu.serial.value(), ecu.hardware_id.value(), key, seconds_of(now),
         std::uint64_t{kMaxPendingEcus}}));
    if (db_->changes() == 1) {
      TRY(note_signal(*db_, vehicle.vin, ecu.serial, SignalKind::UnannouncedEcu,
                      "hardware id " + ecu.hardware_id.value() + ", key " + key, now));
    }
  }
  if (TRY(pending_count(vin)) == kMaxPendingEcus) {
    TRY(note_signal(*db_, vehicle.vin, vehicle.primary().serial(), SignalKind::UnannouncedEcu,
                    "names ECUs without end: the first " + std::to_string(kMaxPendingEcus) + " are kept",
                    now));
  }
  return transaction.commit();
}

Result<std::uint64_t> InventoryStore::pending_count(const std::string& vin) {
  auto row = TRY(db_->query("SELECT count(*) FROM pending_ecu WHERE vin = ?1", {vin}));
  TRY(row.step());
  return row.count(0);
}

Result<std::optional<inventory::ManifestRefusal>> InventoryStore::refusal(const VehicleId& vin) {
  auto row =
      TRY(db_->query("SELECT rule, reason, (SELECT min(received_at) FROM manifest WHERE vin = ?1 AND id >"
                     "  coalesce((SELECT max(id) FROM manifest WHERE vin = ?1 AND rule IS NULL), 0))"
                     " FROM manifest WHERE vin = ?1 ORDER BY id DESC LIMIT 1",
                     {vin.value()}));
  if (!TRY(row.step()) || row.is_null(0)) return std::optional<inventory::ManifestRefusal>();
  return std::optional(inventory::ManifestRefusal{row.text(0), row.text(1), time_at(row, 2)});
}

Result<std::vector<AttackSignal>> InventoryStore::attack_signals(const VehicleId& vin) {
  auto row = TRY(db_->query(
      "SELECT serial, seen_at, kind, detail FROM attack_signal WHERE vin = ?1 ORDER BY id", {vin.value()}));
  std::vector<AttackSignal> all;
  while (TRY(row.step())) {
    const auto kind = signal_named(row.text(2));
    COTTER_ASSERT(kind);  // the table admits no other
    all.push_back({EcuSerial(row.text(0)), time_at(row, 1), *kind, row.text(3)});
  }
  return all;
}

Result<std::vector<PendingEcu>> InventoryStore::pending_ecus(const VehicleId& vin) {
  auto row = TRY(db_->query(
      "SELECT serial, hardware_id, key FROM pending_ecu WHERE vin = ?1 ORDER BY first_seen, serial",
      {vin.value()}));
  std::vector<PendingEcu> all;
  while (TRY(row.step())) {
    auto key = TRY(document_at(row, 2));
    all.push_back({EcuSerial(row.text(0)), HardwareId(row.text(1)), std::move(key)});
  }
  return all;
}

Result<bool> InventoryStore::has_hardware(const HardwareId& hardware) {
  auto row = TRY(db_->query("SELECT 1 FROM ecu WHERE hardware_id = ?1 LIMIT 1", {hardware.value()}));
  return row.step();
}

Result<FleetCount> InventoryStore::count_where(std::string_view condition, const std::string& value) {
  auto row = TRY(
      db_->query("SELECT count(DISTINCT vin), count(*) FROM ecu WHERE " + std::string(condition), {value}));
  TRY(row.step());
  return FleetCount{row.count(0), row.count(1)};
}

Result<FleetCount> InventoryStore::count_all() { return count_where("?1 = ''", ""); }

Result<FleetCount> InventoryStore::count_of(const std::vector<HardwareId>& hardware) {
  json::Array ids;
  for (const HardwareId& id : hardware) ids.emplace_back(id.value());
  return count_where("hardware_id IN (SELECT value FROM json_each(?1))", json::to_text(ids));
}

Result<FleetCount> InventoryStore::count_in(const std::vector<VehicleId>& vehicles) {
  json::Array vins;
  for (const VehicleId& vin : vehicles) vins.emplace_back(vin.value());
  return count_where("vin IN (SELECT value FROM json_each(?1))", json::to_text(vins));
}

Result<FleetCount> InventoryStore::count_partial() {
  return count_where("json_extract(record, '$.verification') = ?1",
                     std::string(inventory::name_of(inventory::Verification::Partial)));
}

}  // namespace cotter::storage
