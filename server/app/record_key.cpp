#include "server/app/record_key.h"

#include "server/app/record.h"
#include "server/keys/keyring.h"
#include "server/storage/sqlite/database.h"

namespace cotter::app {

Result<void> record_key(host::Db& db, const keystore::KeyInfo& key, std::string_view holder, UtcTime now) {
  json::Object details{
      {"keyid", key.id.value()}, {"key", key.key.encode()}, {"role", key.role}, {"holder", holder}};
  return record(db,
                {std::string(ledger::kKeyGenerated), now, acting_account(), key.name, std::move(details)});
}

Result<void> record_online_key(const Workspace& workspace, const keystore::KeyInfo& key,
                               crypto::Signer& signer, UtcTime now) {
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  auto transaction = TRY(host::Transaction::begin(db));
  TRY(record_key(db, key, "workspace", now));
  TRY(transaction.commit());
  if (key.name != keys::kLedgerKeyName) return {};
  keys::FileLogSigner log_signer(workspace.keys_dir(), signer);
  return sign_ledger(db, &log_signer, now);
}

}  // namespace cotter::app
