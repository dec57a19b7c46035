#include "server/director/director_metadata.h"

#include <algorithm>
#include <set>

#include "common/trust/trusted_set.h"

namespace cotter::director {
namespace {

template <class Role>
Role stamped(const Stamp& stamp) {
  Role role;
  role.version = stamp.version;
  role.expires = stamp.expires;
  role.vin = stamp.vin;
  return role;
}

template <class Role>
model::FileMeta listing(const trust::Verified<Role>& file) {
  model::FileMeta meta;
  meta.version = file->version;
  meta.length = file.wire().size();
  meta.hashes = crypto::Hashes::of(file.wire());
  return meta;
}

trust::Policy policy_of(const inventory::Vehicle& vehicle) {
  trust::Policy policy;
  policy.repository = Repository::Director;
  policy.vin = vehicle.vin;
  policy.ecus.emplace();
  for (const inventory::Ecu& ecu : vehicle.ecus) policy.ecus->insert(ecu.serial());
  return policy;
}

}  // namespace

model::Targets make_targets(const Stamp& stamp, Entries entries,
                            const std::optional<model::TimeSource>& time_source) {
  auto targets = stamped<model::Targets>(stamp);
  targets.targets = std::move(entries);
  if (time_source) targets.unknown.set(model::time_source_role().value(), time_source->encode());
  return targets;
}

std::optional<model::TimeSource> time_source_for(const inventory::Vehicle& vehicle, const model::Root& root) {
  const bool some = std::ranges::any_of(vehicle.ecus, [](const inventory::Ecu& ecu) {
    return ecu.record.verification == inventory::Verification::Partial;
  });
  return some ? model::TimeSource::of(root) : std::nullopt;
}

model::Snapshot make_snapshot(const Stamp& stamp, const trust::Verified<model::Targets>& targets) {
  auto snapshot = stamped<model::Snapshot>(stamp);
  snapshot.meta.set(model::targets_role(), listing(targets));
  return snapshot;
}

model::Timestamp make_timestamp(const Stamp& stamp, const trust::Verified<model::Snapshot>& snapshot) {
  auto timestamp = stamped<model::Timestamp>(stamp);
  timestamp.snapshot = listing(snapshot);
  return timestamp;
}

bool near_expiry(const inventory::MetadataSet& set, UtcTime now) noexcept {
  return now >= set.expires - (set.expires - set.made_at) / 4;
}

Result<void> rehearse(const inventory::Vehicle& vehicle, std::span<const Bytes> roots,
                      const std::optional<inventory::MetadataSet>& previous,
                      const inventory::MetadataSet& next, UtcTime now) {
  COTTER_ASSERT(!roots.empty());
  auto client = TRY(trust::TrustedSet::anchored_at(roots.front(), now, policy_of(vehicle)));
  for (const Bytes& root : roots.subspan(1)) TRY(client.update_root(root));
  TRY(client.close_root_chain());
  if (previous) client.recall_timestamp(previous->timestamp);
  TRY(client.update_timestamp(next.timestamp));
  if (previous) client.recall_snapshot(previous->snapshot);
  TRY(client.update_snapshot(next.snapshot));
  if (previous) client.recall_targets(previous->targets);
  return client.update_targets(next.targets, model::targets_role(), model::root_role());
}

}  // namespace cotter::director
