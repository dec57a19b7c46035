#include "server/app/sign_metadata.h"

#include <algorithm>

#include "common/trust/draft.h"
#include "server/app/record.h"
#include "server/app/spent_versions.h"
#include "server/director/director_metadata.h"
#include "server/storage/sqlite/director_store.h"
#include "server/storage/sqlite/version_journal.h"

namespace cotter::app {
namespace {

using inventory::MetadataSet;
using inventory::Vehicle;

template <class Role>
Result<trust::Verified<Role>> sign(const Role& role, const RoleName& name, crypto::Signer& signer,
                                   const DirectorRoots& roots) {
  trust::Draft<Role> draft(role);
  TRY(draft.sign(signer));
  return located(draft.seal(trust::Authority::of_root(roots.newest(), name)), Repository::Director,
                 name.value());
}

Bytes bytes_of(ByteView view) { return Bytes(view.begin(), view.end()); }

/// Spent for good when this returns, whatever happens after (FMT-3).
Result<void> reserve_versions(host::Db& db, const VehicleId& vin, const std::optional<MetadataSet>& previous,
                              MetadataSet& next) {
  const MetadataSet none;
  const MetadataSet& published = previous ? *previous : none;
  const auto versions = TRY(storage::VersionJournal(db).reserve(
      {Repository::Director, vin}, {{model::targets_role(), published.targets_version},
                                    {model::snapshot_role(), published.snapshot_version},
                                    {model::timestamp_role(), published.timestamp_version}}));
  next.targets_version = versions.at(0);
  next.snapshot_version = versions.at(1);
  next.timestamp_version = versions.at(2);
  return {};
}

Result<void> sign_all(const Vehicle& vehicle, const director::Entries& entries,
                      const DirectorSigners& signers, const Lifetimes& lifetimes, const DirectorRoots& roots,
                      MetadataSet& set) {
  const auto stamp = [&](Version version, std::chrono::seconds lifetime) {
    return director::Stamp{vehicle.vin, version, set.made_at + lifetime};
  };
  const auto targets = TRY(sign(director::make_targets(stamp(set.targets_version, lifetimes.targets), entries,
                                                       director::time_source_for(vehicle, *roots.newest())),
                                model::targets_role(), *signers.targets, roots));
  const auto snapshot =
      TRY(sign(director::make_snapshot(stamp(set.snapshot_version, lifetimes.snapshot), targets),
               model::snapshot_role(), *signers.snapshot, roots));
  const auto timestamp =
      TRY(sign(director::make_timestamp(stamp(set.timestamp_version, lifetimes.timestamp), snapshot),
               model::timestamp_role(), *signers.timestamp, roots));
  set.expires = std::min({targets->expires, snapshot->expires, timestamp->expires});
  set.targets = bytes_of(targets.wire());
  set.snapshot = bytes_of(snapshot.wire());
  set.timestamp = bytes_of(timestamp.wire());
  return {};
}

json::Value as_json(const director::Entries& entries) {
  json::Object object;
  for (const auto& [name, entry] : entries) object.set(name.value(), entry.encode());
  return object;
}

Result<ledger::Entry> entry_of(const VehicleId& vin, const MetadataSet& set) {
  json::Array files;
  files.emplace_back(TRY(signed_file_details(model::targets_role(), set.targets_version, set.targets)));
  files.emplace_back(TRY(signed_file_details(model::snapshot_role(), set.snapshot_version, set.snapshot)));
  files.emplace_back(TRY(signed_file_details(model::timestamp_role(), set.timestamp_version, set.timestamp)));
  json::Object details{{"repository", name_of(Repository::Director)},
                       {"root_version", set.root_version.value()},
                       {"files", std::move(files)}};
  return ledger::Entry{std::string(ledger::kSignature), set.made_at, acting_account(), vin.value(),
                       std::move(details)};
}

/// Of earlier attempts, whose files were stored for nobody.
std::optional<ledger::Entry> spent_before(const VehicleId& vin, const std::optional<MetadataSet>& previous,
                                          const MetadataSet& set) {
  const MetadataSet none;
  const MetadataSet& last = previous ? *previous : none;
  return spent_entry(Repository::Director, vin.value(),
                     {{model::targets_role(), last.targets_version, set.targets_version},
                      {model::snapshot_role(), last.snapshot_version, set.snapshot_version},
                      {model::timestamp_role(), last.timestamp_version, set.timestamp_version}},
                     set.made_at);
}

}  // namespace

Result<MetadataSet> sign_metadata(host::Db& db, const DirectorSigners& signers, const Lifetimes& lifetimes,
                                  const DirectorRoots& roots, const Vehicle& vehicle, UtcTime now) {
  // What a failure left unsigned comes first: without a signer for the ledger nothing more is signed.
  TRY(sign_ledger(db, signers.ledger, now));
  storage::DirectorStore store(db);
  const director::Entries entries = TRY(director::resolve(vehicle));
  const auto previous = TRY(store.current(vehicle.vin));
  MetadataSet set;
  set.root_version = roots.newest()->version;
  set.desired_revision = vehicle.desired_revision;
  set.made_at = now;
  TRY(reserve_versions(db, vehicle.vin, previous, set));
  TRY(sign_all(vehicle, entries, signers, lifetimes, roots, set));
  TRY(director::rehearse(vehicle, roots.files(), previous, set, now));
  const ledger::Entry entry = TRY(entry_of(vehicle.vin, set));
  auto transaction = TRY(host::Transaction::begin(db));
  TRY(store.put(vehicle.vin, set, as_json(entries)));
  if (const auto spent = spent_before(vehicle.vin, previous, set)) TRY(record(db, *spent));
  TRY(record(db, entry));
  TRY(transaction.commit());
  TRY(sign_ledger(db, signers.ledger, now));
  return set;
}

Result<void> rehearse_signing(host::Db& db, const DirectorSigners& signers, const Lifetimes& lifetimes,
                              const DirectorRoots& roots, const Vehicle& vehicle, UtcTime now) {
  const auto previous = TRY(storage::DirectorStore(db).current(vehicle.vin));
  MetadataSet set;
  set.root_version = roots.newest()->version;
  set.made_at = now;
  TRY(reserve_versions(db, vehicle.vin, previous, set));
  TRY(sign_all(vehicle, director::Entries(), signers, lifetimes, roots, set));
  TRY(director::rehearse(vehicle, roots.files(), std::nullopt, set, now));
  if (!previous) return {};
  // From the root that it had when it took them.
  const std::uint64_t known =
      std::clamp<std::uint64_t>(previous->root_version.value(), 1, roots.files().size());
  return director::rehearse(vehicle, roots.files().subspan(known - 1), previous, set, now);
}

}  // namespace cotter::app
