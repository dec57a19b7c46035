#include "server/app/move_keys.h"

#include <system_error>
#include <utility>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/keystore/key_record.h"
#include "server/app/record.h"
#include "server/app/record_key.h"
#include "server/keys/file_log_signer.h"
#include "server/storage/sqlite/database.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

/// What the ledger's key signed last goes where the key goes.
Result<void> copy_signed_heads(const fs::path& from, const fs::path& to) {
  for (const keystore::KeyInfo& key : TRY(keystore::list_keys(from))) {
    const auto note = host::read_file(keys::signed_head_path(from, key.key), ledger::kMaxNoteBytes);
    if (!note && is_fault(note.error(), Fault::Kind::NotFound)) continue;
    if (!note) return fail(note.error());
    TRY(host::write_atomically(keys::signed_head_path(to, key.key), *note));
  }
  return {};
}

/// Before a copy is anywhere.
Result<void> tell(const Workspace& workspace, const std::vector<keystore::KeyRecord>& records,
                  const fs::path& to, UtcTime now) {
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  auto transaction = TRY(host::Transaction::begin(db));
  for (const keystore::KeyRecord& each : records) {
    ledger::Entry entry = key_event(ledger::kKeyMoved, each.info, "workspace", now);
    entry.details.set("to", fs::absolute(to).lexically_normal().string());
    TRY(record(db, entry));
  }
  return transaction.commit();
}

struct Stores {
  keystore::FileKeystore old;
  keystore::FileKeystore fresh;
};

Result<std::optional<Stores>> sealed_in(const fs::path& from,
                                        const std::optional<MovePassphrases>& passphrases, const fs::path& to,
                                        keystore::KdfCost cost) {
  if (!TRY(keystore::has_sealed_keys(from))) return std::optional<Stores>();
  if (!passphrases)
    return fault(Fault::Kind::Usage,
                 "the keys in " + from.string() + " are sealed, and no passphrase is given");
  auto old = TRY(keystore::FileKeystore::open(from, passphrases->old));
  auto fresh = TRY(keystore::FileKeystore::create(to, passphrases->fresh, cost));
  return std::optional(Stores{std::move(old), std::move(fresh)});
}

Result<void> copy_all(const Workspace& workspace, const std::optional<MovePassphrases>& passphrases,
                      const fs::path& to, UtcTime now, keystore::KdfCost cost) {
  const fs::path from = workspace.keys_dir();
  const auto records = TRY(keystore::read_records(from));
  if (records.empty()) return fault(Fault::Kind::NotFound, "no key in " + from.string());
  std::error_code ignored;
  if (fs::is_directory(to, ignored) && !TRY(keystore::read_records(to)).empty())
    return fault(Fault::Kind::Conflict, "there are keys in " + to.string() + " already", "name a new folder");
  const auto stores = TRY(sealed_in(from, passphrases, to, cost));
  if (!fs::is_directory(to, ignored)) TRY(host::make_dir(to, host::kSecretDir));
  TRY(tell(workspace, records, to, now));
  if (stores) TRY(stores->old.seal_all_in(stores->fresh));
  for (const keystore::KeyRecord& record : records) {
    if (record.info.store == keystore::kFileStore) continue;
    TRY(keystore::create_record(keystore::record_path(to, record.info.name), record.document));
  }
  TRY(copy_signed_heads(from, to));
  if (!stores) return {};
  const auto opened = TRY(keystore::FileKeystore::open(to, passphrases->fresh));
  for (const keystore::KeyInfo& key : TRY(keystore::list_keys(to))) {
    if (key.store == keystore::kFileStore) TRY(opened.signer(key.name));
  }
  return {};
}

/// Of the keys that are in `to` as well.
Result<void> remove_keys(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const keystore::KeyInfo& key : TRY(keystore::list_keys(to))) {
    const fs::path file = keystore::record_path(from, key.name);
    fs::remove(file, error);
    if (!error) fs::remove(keys::signed_head_path(from, key.key), error);
    if (error) return fail(host::errno_fault("cannot remove " + file.string(), error.value()));
  }
  return host::sync_dir(from);
}

}  // namespace

Result<void> move_online_keys(const Workspace& workspace, const std::optional<MovePassphrases>& passphrases,
                              const fs::path& to, UtcTime now, keystore::KdfCost cost) {
  if (passphrases && equal_in_constant_time(passphrases->old.view(), passphrases->fresh.view())) {
    return fault(Fault::Kind::Usage, "the keys' new passphrase is the workspace's",
                 "choose another: cotterd is given the workspace's for its TLS key, and must not open these");
  }
  const fs::path from = workspace.keys_dir();
  std::error_code ignored;
  const bool was_there = fs::exists(to, ignored);
  if (auto copied = copy_all(workspace, passphrases, to, now, cost); !copied) {
    if (!was_there) fs::remove_all(to, ignored);
    return copied;
  }
  TRY(remove_keys(from, to));
  fs::remove(from, ignored);  // unless something else lies in it
  return {};
}

}  // namespace cotter::app
