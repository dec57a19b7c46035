#include "server/storage/sqlite/signing_store.h"

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "server/storage/sqlite/time_column.h"

namespace cotter::storage {

namespace signing {
/// The files of signing_migrations/, embedded when building.
std::span<const host::Migration> migrations();
}  // namespace signing

namespace {

Result<json::Object> object_in(const std::string& text) {
  const auto value = json::read(as_bytes(text));
  if (value && value->as_object() != nullptr) return *value->as_object();
  return fault(Fault::Kind::Io, "signing.db is damaged: a list of versions is no JSON object",
               "put it back from a backup that is no older than the last signature, or make new online keys");
}

}  // namespace

Result<host::Db> open_signing_database(const std::filesystem::path& file) {
  host::Db db = TRY(host::Db::open(file));
  TRY(host::migrate(db, signing::migrations()));
  return db;
}

Result<std::optional<SignedLast>> SigningStore::last(const SigningSeries& series) {
  auto row =
      TRY(db_->query("SELECT number, digest, listed FROM last_signed WHERE keyid = ?1 AND vehicle = ?2",
                     {series.keyid.value(), series.vehicle}));
  if (!TRY(row.step())) return std::optional<SignedLast>();
  json::Object listed = TRY(object_in(row.text(2)));
  return std::optional(SignedLast{row.count(0), row.blob(1), std::move(listed)});
}

Result<void> SigningStore::put_last(const SigningSeries& series, const SignedLast& last) {
  const std::string listed = json::to_text(last.listed);
  return db_->run(
      "INSERT OR REPLACE INTO last_signed (keyid, vehicle, number, digest, listed) VALUES (?1, ?2, ?3, ?4, "
      "?5)",
      {series.keyid.value(), series.vehicle, last.number, last.digest, listed});
}

Result<void> SigningStore::forget_last(const KeyId& keyid) {
  return db_->run("DELETE FROM last_signed WHERE keyid = ?1", {keyid.value()});
}

Result<std::optional<std::string>> SigningStore::owner(const KeyId& keyid, const std::string& serial) {
  auto row = TRY(
      db_->query("SELECT vehicle FROM ecu_owner WHERE keyid = ?1 AND serial = ?2", {keyid.value(), serial}));
  if (!TRY(row.step())) return std::optional<std::string>();
  return std::optional(row.text(0));
}

Result<void> SigningStore::put_owner(const KeyId& keyid, const std::string& serial,
                                     const std::string& vehicle) {
  return db_->run("INSERT OR IGNORE INTO ecu_owner (keyid, serial, vehicle) VALUES (?1, ?2, ?3)",
                  {keyid.value(), serial, vehicle});
}

Result<std::optional<ReleaseRoleRow>> SigningStore::release_role(const KeyId& keyid) {
  auto row = TRY(db_->query("SELECT bit_length, number FROM release_role WHERE keyid = ?1", {keyid.value()}));
  if (!TRY(row.step())) return std::optional<ReleaseRoleRow>();
  return std::optional(ReleaseRoleRow{static_cast<std::uint32_t>(row.count(0)), row.count(1)});
}

Result<void> SigningStore::put_release_role(const KeyId& keyid, const ReleaseRoleRow& role) {
  return db_->run("INSERT OR REPLACE INTO release_role (keyid, bit_length, number) VALUES (?1, ?2, ?3)",
                  {keyid.value(), std::uint64_t{role.bit_length}, role.number});
}

Result<void> SigningStore::add(const SignedRow& row) {
  return db_->run(
      "INSERT INTO signature (made_at, caller, key, keyid, vehicle, number, digest)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      {seconds_of(row.time), row.caller, row.key, row.series.keyid.value(), row.series.vehicle, row.number,
       row.digest});
}

Result<void> SigningStore::add(const RefusedRow& row) {
  return db_->run(
      "INSERT INTO refusal (made_at, caller, key, policy, why, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
      {seconds_of(row.time), row.caller, row.key, row.policy, row.why, row.digest});
}

Result<std::vector<SignedRow>> SigningStore::signatures() {
  auto row = TRY(
      db_->query("SELECT made_at, caller, key, keyid, vehicle, number, digest FROM signature ORDER BY id"));
  std::vector<SignedRow> rows;
  while (TRY(row.step())) {
    rows.push_back({time_at(row, 0), row.count(1), row.text(2),
                    SigningSeries{KeyId(row.text(3)), row.text(4)}, row.count(5), row.blob(6)});
  }
  return rows;
}

Result<std::vector<RefusedRow>> SigningStore::refusals() {
  auto row = TRY(db_->query("SELECT made_at, caller, key, policy, why, digest FROM refusal ORDER BY id"));
  std::vector<RefusedRow> rows;
  while (TRY(row.step())) {
    rows.push_back({time_at(row, 0), row.count(1), row.text(2), row.text(3), row.text(4), row.blob(5)});
  }
  return rows;
}

}  // namespace cotter::storage
