#include "server/app/key_inventory.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "server/app/director_roots.h"
#include "server/keys/keyring.h"
#include "server/keys/pki.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/director_store.h"

namespace cotter::app {
namespace {

constexpr const char* kSigningProcess = "signer";

/// What is the same for a key within reach and for one that is away.
KeyEntry entry_of(const SigningKey& key, std::string name, const KeyBook& book) {
  KeyEntry entry;
  entry.name = std::move(name);
  entry.custodian = book.custodian_of(key);
  entry.key = key;
  for (const LiveRole& role : book.roles) {
    const SigningKey* listed = role.find(key);
    if (listed == nullptr) continue;
    entry.public_half = role.ring.at(listed->id);
    const bool is_of_sets = role.repository == Repository::Director && role.role != model::root_role() &&
                            model::is_top_level(role.role);
    const auto expires = is_of_sets ? book.sets_end : role.expires;
    entry.uses.push_back({role.id(), role.threshold, static_cast<std::uint32_t>(role.keys.size()), expires});
    if (expires && (!entry.expires || *expires < *entry.expires)) entry.expires = expires;
  }
  const auto used = book.history.used.find(key.id);
  if (used != book.history.used.end()) entry.used = used->second;
  if (entry.public_half) entry.scheme = std::string(crypto::name_of(entry.public_half->scheme()));
  if (const KeyHistory::Made* made = book.history.find(key.material)) {
    entry.scheme = made->scheme;
    entry.created = made->created;
    entry.store = made->store;
  }
  entry.signs_ledger = entry.custodian == book.online_custodian && entry.name == keys::kLedgerKeyName;
  if (entry.signs_ledger) entry.used = book.history.newest_entry;
  return entry;
}

}  // namespace

Result<KeyBook> KeyBook::read(const Workspace& workspace) {
  repository::FolderTransport folder(workspace.repo_dir());
  trust::TrustedSet image = TRY(repository::read_as_client(folder, repository::kBeforeAnyExpiry));
  const auto roots = TRY(DirectorRoots::read(workspace.director_dir()));
  KeyBook book;
  if (workspace.settings().signer) book.online_custodian = kSigningProcess;
  book.names = TRY(KeyNames::of(workspace));
  book.roles = TRY(live_roles(std::move(image), folder, &roots.newest()));
  std::error_code ignored;
  if (!std::filesystem::exists(workspace.db_path(), ignored)) return book;
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  std::set<std::string> by_hand;
  for (const LiveRole& role : book.roles) by_hand.insert(role.id());
  book.history = TRY(read_key_history(db, by_hand));
  book.history.add_to(book.names);
  if (const auto sets = TRY(storage::DirectorStore(db).in_all(UtcTime{}))) book.sets_end = sets->expires;
  return book;
}

std::string KeyBook::custodian_of(const SigningKey& key) const {
  const auto name = names.of(key);
  if (!name) {
    const auto role = std::ranges::find_if(
        roles, [&](const LiveRole& each) { return !model::is_top_level(each.role) && each.may_sign(key); });
    return role == roles.end() ? names.label(key) : role->role.value();
  }
  return name->holder.empty() ? online_custodian : name->holder;
}

KeyEntry key_entry(const keystore::KeyInfo& info, const KeyBook& book) {
  KeyEntry entry = entry_of({info.key.material(), info.id}, info.name, book);
  entry.scheme = std::string(crypto::name_of(info.key.scheme()));
  entry.created = info.created;
  entry.store = info.store;
  entry.public_half = info.key;
  entry.info = info;
  return entry;
}

Result<std::vector<KeyEntry>> tls_keys(const Workspace& workspace) {
  std::vector<KeyEntry> entries;
  for (const char* name : {"ca", "server"}) {
    const std::filesystem::path stem = workspace.pki_dir() / name;
    const auto certificate = keys::read_certified(stem.string() + ".crt");
    if (!certificate && is_fault(certificate.error(), Fault::Kind::NotFound)) continue;
    if (!certificate) return fail(certificate.error());
    if (!certificate->key) continue;
    const crypto::PublicKey& key = *certificate->key;
    KeyEntry entry;
    entry.name = std::string("pki-") + name;
    entry.custodian = "server";
    entry.key = {key.material(), key.computed_id()};
    entry.info = keystore::KeyInfo{entry.name,   std::string("pki/") + name,       key,
                                   entry.key.id, certificate->validity.not_before, stem.string() + ".key"};
    entry.public_half = key;
    entry.scheme = std::string(crypto::name_of(key.scheme()));
    entry.store = entry.info->store;
    entry.created = entry.info->created;
    entry.expires = certificate->validity.not_after;
    entry.uses.push_back({entry.info->role, 1, 1, entry.expires});
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<KeyEntry> key_inventory(const std::vector<keystore::KeyInfo>& within_reach, const KeyBook& book) {
  std::vector<KeyEntry> entries;
  std::set<std::string> seen;
  for (const keystore::KeyInfo& info : within_reach) {
    seen.insert(info.key.material());
    entries.push_back(key_entry(info, book));
  }
  for (const LiveRole& role : book.roles) {
    for (const SigningKey& key : role.keys) {
      if (!seen.insert(key.material).second) continue;
      const auto name = book.names.of(key);
      entries.push_back(entry_of(key, name ? name->name : book.names.label(key), book));
    }
  }
  for (const KeyHistory::Made& made : book.history.made) {
    if (made.name.name != keys::kLedgerKeyName || !seen.insert(made.key.material).second) continue;
    KeyEntry entry = entry_of(made.key, made.name.name, book);
    if (entry.signs_ledger) entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace cotter::app
