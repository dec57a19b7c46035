#include "client/store/sqlite/primary_store.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/roles.h"

namespace cotter::client {

std::span<const host::Migration> migrations();  // embedded by the build from the .sql files beside this one

namespace {

const FloorName kManifests("manifests");

std::int64_t seconds(UtcTime time) { return time.time_since_epoch().count(); }
UtcTime time_of(std::int64_t seconds) { return UtcTime(std::chrono::seconds(seconds)); }

std::int64_t seal_of(int phase, std::int64_t now, std::int64_t image_refreshed) {
  const std::string row =
      std::to_string(phase) + " " + std::to_string(now) + " " + std::to_string(image_refreshed);
  const Bytes digest = crypto::sha256(as_bytes(row));
  std::int64_t seal = 0;
  for (const std::uint8_t byte : ByteView(digest).first(7)) seal = seal << 8 | byte;
  return seal;
}

Result<std::optional<Bytes>> first_blob(Result<host::Statement> query) {
  host::Statement row = TRY(std::move(query));
  if (!TRY(row.step())) return std::optional<Bytes>();
  return std::optional<Bytes>(row.blob(0));
}

Result<void> apply(host::Db& db, Repository repository, const trust::Effect& effect) {
  const std::string_view name = name_of(repository);
  const auto* store = std::get_if<trust::Store>(&effect);
  const RoleName& role = store != nullptr ? store->role : std::get<trust::Forget>(effect).role;
  if (role != model::root_role()) {
    TRY(db.run("DELETE FROM metadata WHERE repository = ?1 AND role = ?2", {name, role.value()}));
  }
  if (store == nullptr) return {};
  return db.run("INSERT OR REPLACE INTO metadata VALUES (?1, ?2, ?3, ?4)",
                {name, role.value(), store->version.value(), store->wire});
}

bool stores_root(const trust::Effect& effect) {
  const auto* store = std::get_if<trust::Store>(&effect);
  return store != nullptr && store->role == model::root_role();
}

/// The first primaries kept floors and counters here, where a wipe took them along.
Result<void> hand_over_floors(host::Db& db, FloorStore& floors) {
  {
    host::Statement row = TRY(db.query("SELECT name, number FROM handover"));
    if (!TRY(row.step())) return {};
    const auto kept = floors.floor(kManifests);
    if (!kept && is_fault(kept.error(), Fault::Kind::NotFound)) TRY(floors.begin_anew());
    do {
      TRY(floors.raise(FloorName(row.text(0)), row.count(1)));
    } while (TRY(row.step()));
  }
  return db.run("DELETE FROM handover");
}

/// Those that are not among `ecus`: replaced, or their row is one that storage has damaged.
Result<std::vector<std::string>> others(host::Db& db, const std::vector<KnownEcu>& ecus) {
  std::vector<std::string> others;
  host::Statement row = TRY(db.query("SELECT serial FROM ecu"));
  while (TRY(row.step())) {
    std::string serial = row.text(0);
    const auto is_it = [&](const KnownEcu& ecu) { return ecu.serial.value() == serial; };
    if (std::ranges::none_of(ecus, is_it)) others.push_back(std::move(serial));
  }
  return others;
}

/// A database whose tables are as this program knows them.
Result<host::Db> open_usable(disk::Disk& disk, const std::filesystem::path& file) {
  host::Db db = TRY(host::Db::open(disk, file, migrations()));
  for (const char* table : {"SELECT repository, role, version, wire FROM metadata",
                            "SELECT phase, now, image_refreshed, seal FROM cycle",
                            "SELECT serial, hardware_id, public_key FROM ecu",
                            "SELECT record FROM time_state", "SELECT name, number FROM handover"}) {
    TRY(db.prepare(table));
  }
  return db;
}

/// Nothing in it is worth more than a vehicle that can be updated: all of it can be had again.
bool means_unusable(const Error& error) {
  return is_fault(error, Fault::Kind::Io) || is_fault(error, Fault::Kind::Conflict);
}

}  // namespace

PrimaryStore::PrimaryStore(std::unique_ptr<host::Db> db, FloorStore& floors)
    : db_(std::move(db)), floors_(&floors), manifests_(floors, kManifests) {}
PrimaryStore::PrimaryStore(PrimaryStore&&) noexcept = default;
PrimaryStore::~PrimaryStore() {
  // What verified stays, also where a cycle ended early; a failure is a power cut's, and loses as much.
  if (db_) static_cast<void>(settle());
}

Result<PrimaryStore> PrimaryStore::open(disk::Disk& disk, const std::filesystem::path& file,
                                        FloorStore& floors) {
  if (TRY(host::is_damaged(disk, file))) TRY(host::set_aside(disk, file));
  auto db = open_usable(disk, file);
  if (!db && means_unusable(db.error())) {
    TRY(host::set_aside(disk, file));
    db = open_usable(disk, file);
  }
  if (!db) return fail(std::move(db).error());
  TRY(hand_over_floors(*db, floors));
  return PrimaryStore(std::make_unique<host::Db>(*std::move(db)), floors);
}

Result<void> PrimaryStore::open_phase() {
  return db_->in_transaction() ? Result<void>() : db_->exec("BEGIN IMMEDIATE");
}

Result<void> PrimaryStore::settle() {
  if (!db_->in_transaction()) return {};
  Result<void> settled = db_->exec("COMMIT");
  if (!settled && db_->in_transaction()) static_cast<void>(db_->exec("ROLLBACK"));
  return settled;
}

Result<std::optional<Bytes>> PrimaryStore::load(Repository repository, const RoleName& role) const {
  return first_blob(db_->query(
      "SELECT wire FROM metadata WHERE repository = ?1 AND role = ?2 ORDER BY version DESC LIMIT 1",
      {name_of(repository), role.value()}));
}

Result<std::optional<Bytes>> PrimaryStore::file(Repository repository, const RoleName& role,
                                                std::optional<Version> version) {
  // Only roots are asked for by a version that may not be the newest; anything else of another version is not
  // there.
  if (!version) return load(repository, role);
  return first_blob(
      db_->query("SELECT wire FROM metadata WHERE repository = ?1 AND role = ?2 AND version = ?3",
                 {name_of(repository), role.value(), version->value()}));
}

Result<void> PrimaryStore::commit(Repository repository, std::span<const trust::Effect> effects) {
  TRY(open_phase());
  TRY(db_->exec("SAVEPOINT batch"));
  const auto apply_all = [&]() -> Result<void> {
    for (const trust::Effect& effect : effects) TRY(apply(*db_, repository, effect));
    return {};
  };
  if (Result<void> applied = apply_all(); !applied) {
    static_cast<void>(db_->exec("ROLLBACK TO batch; RELEASE batch"));  // the first reason counts
    return applied;
  }
  TRY(db_->exec("RELEASE batch"));
  return std::ranges::any_of(effects, stores_root) ? settle() : Result<void>();
}

Result<std::vector<Bytes>> PrimaryStore::roots(Repository repository) const {
  host::Statement row = TRY(
      db_->query("SELECT wire FROM metadata WHERE repository = ?1 AND role = 'root' ORDER BY version DESC",
                 {name_of(repository)}));
  std::vector<Bytes> roots;
  while (TRY(row.step())) roots.push_back(row.blob(0));
  return roots;
}

Result<CycleState> PrimaryStore::cycle() const {
  host::Statement row = TRY(db_->query("SELECT phase, now, image_refreshed, seal FROM cycle"));
  // Without a row that makes sense the next cycle finds out by asking the ECUs (VER-REC).
  if (!TRY(row.step()) || row.integer(0) < 0 || row.integer(0) > static_cast<int>(Phase::Committing)) {
    return CycleState{};
  }
  const int phase = static_cast<int>(row.integer(0));
  if (row.integer(3) != seal_of(phase, row.integer(1), row.integer(2))) return CycleState{};
  return CycleState{static_cast<Phase>(phase), time_of(row.integer(1)), time_of(row.integer(2))};
}

Result<void> PrimaryStore::save(const CycleState& state) {
  const int phase = static_cast<int>(state.phase);
  const std::int64_t now = seconds(state.now), refreshed = seconds(state.image_refreshed);
  TRY(open_phase());
  TRY(db_->run("INSERT OR REPLACE INTO cycle VALUES (1, ?1, ?2, ?3, ?4)",
               {phase, now, refreshed, seal_of(phase, now, refreshed)}));
  return state.phase == Phase::Committing ? settle() : Result<void>();
}

Result<std::vector<KnownEcu>> PrimaryStore::ecus() const {
  host::Statement row = TRY(db_->query("SELECT serial, hardware_id, public_key FROM ecu ORDER BY serial"));
  std::vector<KnownEcu> ecus;
  while (TRY(row.step())) {
    const std::string text = row.text(2);
    auto key = TRY(crypto::PublicKey::decode(TRY(json::read(as_bytes(text))), crypto::Profile::Vehicle));
    EcuSerial serial(row.text(0));
    const auto floor = TRY(floors_->floor(release_floor_of(serial)));
    if (!floor)
      return fault(Fault::Kind::NotFound, "no rollback floor is recorded for ECU " + serial.value());
    ecus.push_back({std::move(serial), HardwareId(row.text(1)), std::move(key), ReleaseCounter(*floor)});
  }
  return ecus;
}

Result<void> PrimaryStore::provision(const std::vector<KnownEcu>& ecus) {
  for (const KnownEcu& ecu : ecus) TRY(raise_floor(ecu.serial, ecu.floor));
  TRY(open_phase());
  for (const KnownEcu& ecu : ecus) {
    TRY(
        db_->run("INSERT INTO ecu VALUES (?1, ?2, ?3) ON CONFLICT (serial) DO UPDATE SET "
                 "hardware_id = excluded.hardware_id, public_key = excluded.public_key "
                 // Every start does this, and nearly always with what is there: then nothing is written.
                 "WHERE hardware_id <> excluded.hardware_id OR public_key <> excluded.public_key",
                 {ecu.serial.value(), ecu.hardware_id.value(), json::to_text(ecu.key.encode())}));
  }
  for (const std::string& serial : TRY(others(*db_, ecus))) {
    TRY(db_->run("DELETE FROM ecu WHERE serial = ?1", {serial}));
  }
  return {};
}

Result<void> PrimaryStore::raise_floor(const EcuSerial& ecu, ReleaseCounter counter) {
  return floors_->raise(release_floor_of(ecu), counter.value());
}

Result<std::optional<Bytes>> PrimaryStore::time_state() const {
  return first_blob(db_->query("SELECT record FROM time_state"));
}

Result<void> PrimaryStore::save_time_state(ByteView record) {
  TRY(open_phase());
  return db_->run("INSERT OR REPLACE INTO time_state VALUES (1, ?1)", {record});
}

}  // namespace cotter::client
