#include "server/signing/journal.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/signing/release_policy.h"
#include "server/storage/sqlite/signing_store.h"

namespace cotter::signing {
namespace {

namespace fs = std::filesystem;

/// Nothing where it belongs to none: judge() refuses it.
std::optional<storage::SigningSeries> series_of(const KeyId& keyid, const Content& content,
                                                const std::optional<ReleasePast>& release) {
  if (content.duty != Duty::Release) return storage::SigningSeries{keyid, content.vehicle};
  auto file = file_of(content, release);
  if (!file) return std::nullopt;
  return storage::SigningSeries{keyid, *std::move(file)};
}

Result<std::optional<ReleasePast>> release_of(storage::SigningStore& store, const KeyId& keyid,
                                              const Content& content) {
  if (content.duty != Duty::Release) return std::optional<ReleasePast>();
  const auto role = TRY(store.release_role(keyid));
  if (!role) return std::optional<ReleasePast>();
  ReleasePast past{role->bit_length, role->number, 0};
  if (const auto empty = TRY(store.last({keyid, std::string(kEmptyBins)}))) past.empty = empty->number;
  return std::optional(past);
}

json::Object as_json(const Listing& listed) {
  json::Object object;
  for (const auto& [role, version] : listed) object.set(role, version);
  return object;
}

Listing listing_in(const json::Object& object) {
  Listing listed;
  for (const json::Member& member : object) {
    listed.emplace(member.key, static_cast<std::uint64_t>(member.value.as_int().value_or(0)));
  }
  return listed;
}

}  // namespace

Result<Journal> Journal::open(const fs::path& keys_dir) {
  auto lock = host::FileLock::acquire(keys_dir / "signing.lock");
  if (!lock && is_fault(lock.error(), Fault::Kind::Busy)) {
    return fault(Fault::Kind::Busy, "another signing process has the keys in " + keys_dir.string(),
                 "stop it first: one process alone knows what was signed last");
  }
  if (!lock) return fail(lock.error());
  host::Db db = TRY(storage::open_signing_database(keys_dir / "signing.db"));
  return Journal(keys_dir, *std::move(lock), std::move(db));
}

Result<Past> Journal::past(const KeyId& keyid, const Content& content) {
  storage::SigningStore store(db_);
  Past past;
  past.release = TRY(release_of(store, keyid, content));
  const auto series = series_of(keyid, content, past.release);
  if (!series) return past;
  if (auto last = TRY(store.last(*series))) {
    past.last = LastSigned{last->number, std::move(last->digest), listing_in(last->listed)};
  }
  for (const std::string& ecu : content.ecus) {
    if (auto owner = TRY(store.owner(keyid, ecu))) past.owners.emplace(ecu, *std::move(owner));
  }
  return past;
}

Result<void> Journal::note(const std::string& key, const KeyId& keyid, const Content& content, uid_t caller,
                           UtcTime now) {
  storage::SigningStore store(db_);
  auto transaction = TRY(host::Transaction::begin(db_));
  const auto release = TRY(release_of(store, keyid, content));
  const auto found = series_of(keyid, content, release);
  COTTER_ASSERT(found);  // judged before
  const storage::SigningSeries& series = *found;
  if (content.duty == Duty::Release) {
    const std::uint32_t bit_length = content.bit_length ? *content.bit_length : release->bit_length;
    // Under the old names lie other bins from now on; the role's number is a floor for all of them.
    if (release && bit_length != release->bit_length) TRY(store.forget_last(keyid));
    TRY(store.put_release_role(keyid, {bit_length, std::max(content.number, release ? release->number : 0)}));
  }
  TRY(store.put_last(series, {content.number, content.digest, as_json(content.listed)}));
  for (const std::string& ecu : content.ecus) TRY(store.put_owner(keyid, ecu, content.vehicle));
  TRY(store.add(storage::SignedRow{now, caller, key, series, content.number, content.digest}));
  return transaction.commit();
}

Result<void> Journal::note_refusal(const std::string& key, const Refusal& refusal, ByteView digest,
                                   uid_t caller, UtcTime now) {
  return storage::SigningStore(db_).add(storage::RefusedRow{now, caller, key,
                                                            std::string(name_of(refusal.policy)), refusal.why,
                                                            Bytes(digest.begin(), digest.end())});
}

}  // namespace cotter::signing
