#include "server/app/move_keys.h"

#include <system_error>

#include "common/host/atomic_file.h"
#include "common/keystore/key_record.h"
#include "server/keys/file_log_signer.h"

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

Result<void> copy_all(const fs::path& from, const crypto::Secret& passphrase, const fs::path& to,
                      const crypto::Secret& new_passphrase, keystore::KdfCost cost) {
  const auto old = TRY(keystore::FileKeystore::open(from, passphrase));
  TRY(old.seal_all_in(TRY(keystore::FileKeystore::create(to, new_passphrase, cost))));
  for (const keystore::KeyRecord& record : TRY(keystore::read_records(from))) {
    if (record.info.store == keystore::kFileStore) continue;
    TRY(keystore::create_record(keystore::record_path(to, record.info.name), record.document));
  }
  TRY(copy_signed_heads(from, to));
  const auto opened = TRY(keystore::FileKeystore::open(to, new_passphrase));
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

Result<void> move_online_keys(const Workspace& workspace, const crypto::Secret& passphrase,
                              const fs::path& to, const crypto::Secret& new_passphrase,
                              keystore::KdfCost cost) {
  if (equal_in_constant_time(passphrase.view(), new_passphrase.view())) {
    return fault(Fault::Kind::Usage, "the keys' new passphrase is the workspace's",
                 "choose another: cotterd is given the workspace's for its TLS key, and must not open these");
  }
  const fs::path from = workspace.keys_dir();
  std::error_code ignored;
  const bool was_there = fs::exists(to, ignored);
  if (auto copied = copy_all(from, passphrase, to, new_passphrase, cost); !copied) {
    if (!was_there) fs::remove_all(to, ignored);
    return copied;
  }
  TRY(remove_keys(from, to));
  fs::remove(from, ignored);  // unless something else lies in it
  return {};
}

}  // namespace cotter::app
