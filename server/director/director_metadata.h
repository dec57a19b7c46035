// The three files that a director signs for one vehicle: what they say, and whether that vehicle would take
// them. Never a file without the vehicle's id (FMT-61), never a delegation (FMT-62). Pure.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/model/time_source.h"
#include "common/trust/verified.h"
#include "server/director/resolver.h"
#include "server/inventory/metadata_set.h"
#include "server/inventory/vehicle.h"

namespace cotter::director {

/// Whose file, which number, until when.
struct Stamp {
  VehicleId vin;
  Version version;
  UtcTime expires{};
};

/// `time_source`: for a vehicle with ECUs that see little else of the director (FMT-64).
model::Targets make_targets(const Stamp& stamp, Entries entries,
                            const std::optional<model::TimeSource>& time_source = {});
/// The newest root's time source, where some ECU of the vehicle verifies partially.
std::optional<model::TimeSource> time_source_for(const inventory::Vehicle& vehicle, const model::Root& root);
/// Lists targets.json alone, with version, length and hashes.
model::Snapshot make_snapshot(const Stamp& stamp, const trust::Verified<model::Targets>& targets);
model::Timestamp make_timestamp(const Stamp& stamp, const trust::Verified<model::Snapshot>& snapshot);

/// Less than a quarter of its life is left.
bool near_expiry(const inventory::MetadataSet& set, UtcTime now) noexcept;

/// Plays `next` as this vehicle's client would: from the first root, with what it may hold of `previous` as
/// floors. `roots` are all root files in order, at least one. Rejections: those of trust::TrustedSet.
Result<void> rehearse(const inventory::Vehicle& vehicle, std::span<const Bytes> roots,
                      const std::optional<inventory::MetadataSet>& previous,
                      const inventory::MetadataSet& next, UtcTime now);

}  // namespace cotter::director
