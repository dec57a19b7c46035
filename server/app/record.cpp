#include "server/app/record.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "common/crypto/digest.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "server/ledger/checkpoint.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

constexpr std::size_t kAccountBytes = 16 * 1024;  // more than the longest line of a user database

std::string read_account() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kAccountBytes> buffer{};
  const uid_t user = ::geteuid();
  if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return std::string("account:") + found->pw_name;
  }
  return "account:#" + std::to_string(user);
}

/// Of the first `size` entries; nothing when hashes are missing that were there.
Result<std::optional<ledger::Hash>> root_of_first(storage::LedgerStore& store, std::uint64_t size) {
  const auto root = ledger::root(size, store.reader());
  if (root) return std::optional(*root);
  if (is_fault(root.error(), Fault::Kind::NotFound)) return std::optional<ledger::Hash>();
  return fail(root.error());
}

/// Whether the log goes on from where it was when it was last signed, by this key.
Result<bool> continues(storage::LedgerStore& store, const storage::StoredCheckpoint& last,
                       const ledger::VerifierKey& key, std::uint64_t size) {
  const auto signed_head = ledger::open_checkpoint(last.note, key);
  if (!signed_head || signed_head->size > size) return false;
  return TRY(root_of_first(store, signed_head->size)) == signed_head->root;
}

}  // namespace

const std::string& acting_account() {
  static const std::string account = read_account();
  return account;
}

std::string acting_vehicle(const VehicleId& vin) { return "vehicle:" + vin.value(); }
std::string acting_token(const std::string& name) { return "token:" + name; }

Result<std::vector<KeyId>> signers_in(ByteView wire) {
  const json::Value file = TRY(json::read(wire));
  const auto view = TRY(json::ObjectView::of(file, "file"));
  const json::Array* signatures = TRY(view.array("signatures"));
  std::vector<KeyId> ids;
  for (const json::Value& each : *signatures) {
    const auto signature = TRY(json::ObjectView::of(each, "signatures[]"));
    ids.emplace_back(TRY(signature.string("keyid")));
  }
  return ids;
}

Result<json::Object> signed_file_details(const RoleName& role, Version version, ByteView wire) {
  return signed_file_details(role, version, wire, TRY(signers_in(wire)));
}

json::Object signed_file_details(const RoleName& role, Version version, ByteView wire,
                                 const std::vector<KeyId>& signers) {
  json::Array keyids;
  for (const KeyId& id : signers) keyids.emplace_back(id.value());
  return {{"role", role.value()},
          {"version", version.value()},
          {"sha256", to_hex(crypto::sha256(wire))},
          {"keyids", std::move(keyids)}};
}

Result<void> record(host::Db& db, const ledger::Entry& entry) {
  TRY(storage::LedgerStore(db).append(entry));
  return {};
}

Result<void> sign_ledger(host::Db& db, crypto::Signer* key, UtcTime now) {
  if (key == nullptr) return {};
  storage::LedgerStore store(db);
  const std::uint64_t size = TRY(store.size());
  const ledger::VerifierKey verifier = TRY(ledger::verifier_key(key->public_key()));
  const auto last = TRY(store.newest_checkpoint());
  if (last && last->size == size) return {};
  if (last && !TRY(continues(store, *last, verifier, size))) return {};
  const auto root = TRY(root_of_first(store, size));
  if (!root) return {};
  auto note = ledger::sign_checkpoint({verifier.name(), size, *root}, *key);
  // A signing process remembers a longer log than this one: cotter.db came back from a backup.
  if (!note && is_fault(note.error(), Fault::Kind::Conflict)) return {};
  return store.put_checkpoint(size, TRY(std::move(note)), now);
}

}  // namespace cotter::app
