// Taking a vehicle version manifest into the inventory (DIR-20 to DIR-30).
// Never changes anything for a manifest that fails a check, but for noting that it came. As Db: one thread at
// a time.
#pragma once

#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"

namespace cotter::app {

/// What an accepted manifest told us: each ECU of the vehicle is in one of `fresh`, `stale` and `missing`.
struct ManifestReceipt {
  std::vector<EcuSerial> fresh;      ///< told something new
  std::vector<EcuSerial> stale;      ///< repeated an earlier report byte for byte: no news (DIR-26)
  std::vector<EcuSerial> missing;    ///< did not report, or with a report nobody can verify (DIR-22, PRI-10)
  std::vector<EcuSerial> confirmed;  ///< of `fresh`: now runs what it was assigned, and did not before
  std::vector<EcuSerial> quarantined;  ///< of `fresh`: runs an image that we never gave it (DIR-27)
  std::vector<EcuSerial> attacked;     ///< of `fresh`: detected an attack; the indicator is stored (DIR-28)
};

/// `caller` is who the client certificate names. Rejections: those of director::check_manifest. Faults:
/// NotFound (unknown vehicle), NoSpace, Busy, Io.
Result<ManifestReceipt> accept_manifest(host::Db& db, const VehicleId& caller, ByteView body, UtcTime now);

}  // namespace cotter::app
