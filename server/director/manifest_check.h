// Judges a vehicle version manifest against the inventory (Uptane 5.3.2.1; DIR-20 to DIR-28).
// Never trusts the primary's word for a secondary: each report is checked with that ECU's own key. Pure.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "server/inventory/news.h"
#include "server/inventory/vehicle.h"

namespace cotter::director {

/// How far ahead of ours an ECU's clock may be (DIR-25).
inline constexpr std::chrono::minutes kMaxClockSkew{5};

/// What the manifest tells, once all of it holds: signed by this vehicle's primary, for this vehicle, newer
/// than the last; every ECU of the inventory reported or named as missing and no other; each report signed
/// by its own ECU, for this vehicle, newer than that ECU's last or equal to it byte for byte, its time in
/// order. `body` is at most kMaxManifestBytes. An attack indicator, an unknown image, ECUs that verified
/// different targets (ATK-12) and a report that the primary passes on as unverifiable (PRI-10) are facts, not
/// reasons to refuse. Rejections: file-too-large,
/// json-*, member-*, role-type-wrong, manifest-*; hash*, date-malformed, target-name-unsafe of a report.
Result<inventory::ManifestNews> check_manifest(const inventory::Vehicle& vehicle, ByteView body, UtcTime now);

}  // namespace cotter::director
