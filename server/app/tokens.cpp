#include "server/app/tokens.h"

#include "common/model/file_names.h"
#include "server/app/record.h"
#include "server/storage/sqlite/supplier_store.h"
#include "server/storage/sqlite/token_store.h"

namespace cotter::app {
namespace {

using operations::TokenRecord;
using operations::TokenRole;

Result<void> check(const TokenRecord& token) {
  if (!model::is_identifier(token.name)) {
    return fault(Fault::Kind::Usage, "'" + token.name + "' cannot name a token",
                 "take 1 to 128 printable characters without blanks, slashes and quotes");
  }
  if ((token.role == TokenRole::Supplier) == token.supplier.has_value()) return {};
  return fault(Fault::Kind::Usage, "a supplier belongs to a token of role supplier, and to no other",
               "give --role supplier and --supplier NAME, or --role operator alone");
}

Result<void> check_supplier(host::Db& db, const std::string& name) {
  const auto found = TRY(storage::SupplierStore(db).find(RoleName(name)));
  if (found && !found->removed) return {};
  return fault(Fault::Kind::NotFound, "there is no supplier " + name, "cotter supplier add makes one");
}

}  // namespace

Result<crypto::Secret> add_token(host::Db& db, const TokenRecord& token) {
  TRY(check(token));
  crypto::Secret secret = operations::new_token();
  const Bytes hash = *operations::token_hash(as_text(secret.view()));
  auto transaction = TRY(host::Transaction::begin(db));
  storage::TokenStore store(db);
  if (TRY(store.find(token.name))) {
    return fault(Fault::Kind::Conflict, "there is a token named " + token.name + " already",
                 "choose another name: the ledger tells who did what by it");
  }
  if (token.supplier) TRY(check_supplier(db, *token.supplier));
  TRY(store.add(token, hash));
  json::Object details{
      {"change", "added"}, {"role", name_of(token.role)}, {"expires", format_utc(token.expires)}};
  if (token.supplier) details.set("supplier", *token.supplier);
  TRY(record(db,
             {std::string(ledger::kToken), token.added, acting_account(), token.name, std::move(details)}));
  TRY(transaction.commit());
  return secret;
}

Result<void> revoke_token(host::Db& db, const std::string& name, UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  storage::TokenStore store(db);
  const auto token = TRY(store.find(name));
  if (!token)
    return fault(Fault::Kind::NotFound, "there is no token named " + name, "cotter token list shows all");
  if (token->revoked) return {};
  TRY(store.revoke(name, now));
  TRY(record(
      db, {std::string(ledger::kToken), now, acting_account(), name, json::Object{{"change", "revoked"}}}));
  return transaction.commit();
}

}  // namespace cotter::app
