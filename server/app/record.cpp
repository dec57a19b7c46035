#include "server/app/record.h"

#include <pwd.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
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

/// Of the database's hashes. One that is missing is no "not found" of what somebody does: it is damage.
ledger::HashReader hashes_of(storage::LedgerStore& store) {
  return [&store](const ledger::Subtree& subtree) -> Result<ledger::Hash> {
    auto hash = store.hash(subtree);
    if (hash || !is_fault(hash.error(), Fault::Kind::NotFound)) return hash;
    const Fault& gap = std::get<Fault>(hash.error());
    return fault(Fault::Kind::Conflict, gap.detail, gap.hint);
  };
}

/// The note of the log as it stands, which goes on from its own newest checkpoint; whether it goes on from
/// what its signer remembers, he sees to.
Result<std::string> sign_on(ledger::LogSigner& signer, const ledger::Log& log,
                            const std::optional<storage::StoredCheckpoint>& newest) {
  const ledger::VerifierKey key = TRY(ledger::verifier_key(signer.public_key()));
  if (!newest) return signer.sign(log);
  const auto last = ledger::open_checkpoint(newest->note, key);
  if (!last) {
    return fault(Fault::Kind::Conflict, "the newest checkpoint in cotter.db: " + summary(last.error()));
  }
  TRY(ledger::expect_growth(*last, TRY(ledger::head_of(key.name(), log)), log));
  return signer.sign(log);
}

/// A director signs for many vehicles: one line a minute tells as much as all of them.
void tell(const Error& error, UtcTime now) {
  static std::atomic<std::int64_t> told{-1};
  const std::int64_t minute = std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
  if (told.exchange(minute) == minute) return;
  spdlog::error(
      "the ledger is not signed any more, and all else goes on: {}; `cotter audit verify` says more",
      summary(error));
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
  return hashed_file_details(role, version, crypto::sha256(wire), TRY(signers_in(wire)));
}

json::Object hashed_file_details(const RoleName& role, Version version, ByteView sha256,
                                 const std::vector<KeyId>& signers) {
  json::Array keyids;
  for (const KeyId& id : signers) keyids.emplace_back(id.value());
  return {{"role", role.value()},
          {"version", version.value()},
          {"sha256", to_hex(sha256)},
          {"keyids", std::move(keyids)}};
}

void set_first(json::Object& details, const std::string& member, const json::Array& all, std::size_t room) {
  json::Array first;
  for (const json::Value& each : all) {
    const std::size_t bytes = json::to_text(each).size() + 1;
    if (bytes > room) break;
    room -= bytes;
    first.push_back(each);
  }
  const std::uint64_t left_out = all.size() - first.size();
  details.set(member, std::move(first));
  if (left_out > 0) details.set(member + "_left_out", left_out);
}

Result<void> record(host::Db& db, const ledger::Entry& entry) {
  TRY(storage::LedgerStore(db).append(entry));
  return {};
}

Result<void> sign_ledger(host::Db& db, ledger::LogSigner* key, UtcTime now) {
  if (key == nullptr) return {};
  auto transaction = TRY(host::Transaction::begin(db));
  storage::LedgerStore store(db);
  const std::uint64_t size = TRY(store.size());
  const auto newest = TRY(store.newest_checkpoint());
  if (newest && newest->size == size) return {};
  auto note = sign_on(*key, {size, hashes_of(store)}, newest);
  if (!note && is_fault(note.error(), Fault::Kind::Conflict)) {
    tell(note.error(), now);
    return {};
  }
  TRY(store.put_checkpoint(size, TRY(std::move(note)), now));
  return transaction.commit();
}

}  // namespace cotter::app
