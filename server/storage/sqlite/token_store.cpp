#include "server/storage/sqlite/token_store.h"

#include "server/storage/sqlite/time_column.h"

namespace cotter::storage {
namespace {

using operations::TokenRecord;

constexpr const char* kColumns =
    "SELECT name, role, supplier, added_at, expires_at, revoked_at FROM api_token ";

TokenRecord record_of(const host::Statement& row) {
  TokenRecord token;
  token.name = row.text(0);
  token.role = operations::token_role_named(row.text(1)).value_or(operations::TokenRole::Supplier);
  if (!row.is_null(2)) token.supplier = row.text(2);
  token.added = time_at(row, 3);
  token.expires = time_at(row, 4);
  token.revoked = optional_time_at(row, 5);
  return token;
}

Result<std::optional<TokenRecord>> one(host::Statement row) {
  if (!TRY(row.step())) return std::optional<TokenRecord>();
  return std::optional(record_of(row));
}

}  // namespace

Result<void> TokenStore::add(const TokenRecord& token, ByteView hash) {
  return db_->run(
      "INSERT INTO api_token (name, hash, role, supplier, added_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, "
      "?6)",
      {token.name, hash, name_of(token.role), token.supplier, seconds_of(token.added),
       seconds_of(token.expires)});
}

Result<std::optional<TokenRecord>> TokenStore::find_by_hash(ByteView hash) {
  return one(TRY(db_->query(std::string(kColumns) + "WHERE hash = ?1", {hash})));
}

Result<std::optional<TokenRecord>> TokenStore::find(const std::string& name) {
  return one(TRY(db_->query(std::string(kColumns) + "WHERE name = ?1", {name})));
}

Result<std::vector<TokenRecord>> TokenStore::list() {
  auto row = TRY(db_->query(std::string(kColumns) + "ORDER BY name"));
  std::vector<TokenRecord> tokens;
  while (TRY(row.step())) tokens.push_back(record_of(row));
  return tokens;
}

Result<void> TokenStore::revoke(const std::string& name, UtcTime now) {
  return db_->run("UPDATE api_token SET revoked_at = ?2 WHERE name = ?1 AND revoked_at IS NULL",
                  {name, seconds_of(now)});
}

Result<void> TokenStore::revoke_of(const std::string& supplier, UtcTime now) {
  return db_->run("UPDATE api_token SET revoked_at = ?2 WHERE supplier = ?1 AND revoked_at IS NULL",
                  {supplier, seconds_of(now)});
}

}  // namespace cotter::storage
