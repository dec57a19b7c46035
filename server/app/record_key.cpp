#include "server/app/record_key.h"

#include <system_error>
#include <utility>

#include "server/app/record.h"
#include "server/keys/file_log_signer.h"
#include "server/storage/sqlite/database.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

json::Value store_of(const keystore::KeyInfo& key) {
  if (key.store.empty()) return {};
  return json::Value(key.store.substr(0, key.store.find('?')));
}

}  // namespace

std::string holder_of(const Workspace& workspace, const fs::path& folder) {
  std::error_code ignored;
  if (fs::equivalent(folder, workspace.keys_dir(), ignored)) return "workspace";
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

ledger::Entry key_event(std::string_view kind, const keystore::KeyInfo& key, std::string_view holder,
                        UtcTime now) {
  json::Object details{{"keyid", key.id.value()},
                       {"key", key.key.encode()},
                       {"scheme", crypto::name_of(key.key.listed_scheme())},
                       {"role", key.role},
                       {"holder", holder.empty() ? json::Value() : json::Value(holder)},
                       {"store", store_of(key)}};
  details.set("created", key.created == UtcTime{} ? json::Value() : json::Value(format_utc(key.created)));
  return {std::string(kind), now, acting_account(), key.name, std::move(details)};
}

Result<void> record_key(host::Db& db, std::string_view kind, const keystore::KeyInfo& key,
                        std::string_view holder, UtcTime now) {
  return record(db, key_event(kind, key, holder, now));
}

keystore::BeforeRecord recorded_as(std::string_view kind, const Workspace& workspace) {
  return [kind, &workspace](const keystore::KeyInfo& key) -> Result<void> {
    host::Db db = TRY(storage::open_database(workspace.db_path()));
    auto transaction = TRY(host::Transaction::begin(db));
    TRY(record_key(db, kind, key, holder_of(workspace, key.file.parent_path()), key.created));
    return transaction.commit();
  };
}

Result<void> record_proposed(host::Db& db, const Workspace& workspace, Repository repository,
                             const ceremony::KeyChange& change, UtcTime now) {
  for (const ceremony::KeyChange::Added& added : change.add) {
    if (!added.record) continue;
    keystore::KeyInfo key = *added.record;
    key.role = std::string(name_of(repository)) + "/" + added.role.value();
    TRY(record_key(db, ledger::kKeyProposed, key, holder_of(workspace, key.file.parent_path()), now));
  }
  return {};
}

Result<void> sign_with_new_key(const Workspace& workspace, crypto::Signer& signer, UtcTime now) {
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  keys::FileLogSigner log_signer(workspace.keys_dir(), signer);
  return sign_ledger(db, &log_signer, now);
}

}  // namespace cotter::app
