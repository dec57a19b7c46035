#include "client/store/sqlite/primary_store.h"

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/roles.h"

namespace cotter::client {

std::span<const host::Migration> migrations();  // embedded by the build from the .sql files beside this one

namespace {

constexpr std::uint64_t kCountersAtOnce = 64;

std::int64_t seconds(UtcTime time) { return time.time_since_epoch().count(); }
UtcTime time_of(std::int64_t seconds) { return UtcTime(std::chrono::seconds(seconds)); }

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

}  // namespace

Result<PrimaryStore> PrimaryStore::open(const std::filesystem::path& file) {
  host::Db db = TRY(host::Db::open(file));
  TRY(host::migrate(db, migrations()));
  return PrimaryStore(std::move(db));
}

Result<std::optional<Bytes>> PrimaryStore::load(Repository repository, const RoleName& role) const {
  return first_blob(
      db_.query("SELECT wire FROM metadata WHERE repository = ?1 AND role = ?2 ORDER BY version DESC LIMIT 1",
                {name_of(repository), role.value()}));
}

Result<std::optional<Bytes>> PrimaryStore::file(Repository repository, const RoleName& role,
                                                std::optional<Version> version) {
  // Only roots are asked for by a version that may not be the newest; anything else of another version is not
  // there.
  if (!version) return load(repository, role);
  return first_blob(
      db_.query("SELECT wire FROM metadata WHERE repository = ?1 AND role = ?2 AND version = ?3",
                {name_of(repository), role.value(), version->value()}));
}

Result<void> PrimaryStore::commit(Repository repository, std::span<const trust::Effect> effects) {
  host::Transaction transaction = TRY(host::Transaction::begin(db_));
  for (const trust::Effect& effect : effects) TRY(apply(db_, repository, effect));
  return transaction.commit();
}

Result<std::vector<Bytes>> PrimaryStore::roots(Repository repository) const {
  host::Statement row =
      TRY(db_.query("SELECT wire FROM metadata WHERE repository = ?1 AND role = 'root' ORDER BY version DESC",
                    {name_of(repository)}));
  std::vector<Bytes> roots;
  while (TRY(row.step())) roots.push_back(row.blob(0));
  return roots;
}

Result<void> PrimaryStore::pin_root(Repository repository, Version version, ByteView wire) {
  return db_.run("INSERT INTO metadata VALUES (?1, 'root', ?2, ?3)",
                 {name_of(repository), version.value(), wire});
}

Result<CycleState> PrimaryStore::cycle() const {
  host::Statement row = TRY(db_.query("SELECT phase, now, image_refreshed FROM cycle"));
  if (!TRY(row.step())) return fault(Fault::Kind::Io, "the primary's database has lost its cycle row");
  return CycleState{static_cast<Phase>(row.integer(0)), time_of(row.integer(1)), time_of(row.integer(2))};
}

Result<void> PrimaryStore::save(const CycleState& state) {
  return db_.run("UPDATE cycle SET phase = ?1, now = ?2, image_refreshed = ?3",
                 {static_cast<int>(state.phase), seconds(state.now), seconds(state.image_refreshed)});
}

Result<std::vector<KnownEcu>> PrimaryStore::ecus() const {
  host::Statement row =
      TRY(db_.query("SELECT serial, hardware_id, public_key, floor FROM ecu ORDER BY serial"));
  std::vector<KnownEcu> ecus;
  while (TRY(row.step())) {
    const std::string text = row.text(2);
    auto key = TRY(crypto::PublicKey::decode(TRY(json::read(as_bytes(text))), crypto::Profile::Vehicle));
    ecus.push_back(
        {EcuSerial(row.text(0)), HardwareId(row.text(1)), std::move(key), ReleaseCounter(row.count(3))});
  }
  return ecus;
}

Result<void> PrimaryStore::provision(const std::vector<KnownEcu>& ecus) {
  host::Transaction transaction = TRY(host::Transaction::begin(db_));
  for (const KnownEcu& ecu : ecus) {
    TRY(db_.run(
        "INSERT INTO ecu VALUES (?1, ?2, ?3, ?4) ON CONFLICT (serial) DO UPDATE SET "
        "hardware_id = excluded.hardware_id, public_key = excluded.public_key, "
        "floor = max(floor, excluded.floor) "
        // Every start does this, and nearly always with what is there: then nothing is written.
        "WHERE hardware_id <> excluded.hardware_id OR public_key <> excluded.public_key OR "
        "floor < excluded.floor",
        {ecu.serial.value(), ecu.hardware_id.value(), json::to_text(ecu.key.encode()), ecu.floor.value()}));
  }
  return transaction.commit();
}

Result<void> PrimaryStore::raise_floor(const EcuSerial& ecu, ReleaseCounter counter) {
  return db_.run("UPDATE ecu SET floor = ?2 WHERE serial = ?1 AND floor < ?2",
                 {ecu.value(), counter.value()});
}

Result<std::optional<Bytes>> PrimaryStore::time_state() const {
  return first_blob(db_.query("SELECT record FROM time_state"));
}

Result<void> PrimaryStore::save_time_state(ByteView record) {
  return db_.run("INSERT OR REPLACE INTO time_state VALUES (1, ?1)", {record});
}

Result<std::uint64_t> PrimaryStore::next_manifest_counter() {
  if (counter_ == reserved_) {
    host::Statement row =
        TRY(db_.query("UPDATE counter SET reserved = reserved + ?1 RETURNING reserved", {kCountersAtOnce}));
    if (!TRY(row.step())) return fault(Fault::Kind::Io, "the primary's database has lost its counter row");
    reserved_ = row.count(0);
    TRY(row.step());  // to the end, so that the number is durable before it is used
    counter_ = reserved_ - kCountersAtOnce;
  }
  return ++counter_;
}

}  // namespace cotter::client
