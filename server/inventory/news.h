// What one accepted manifest tells about a vehicle, ready to be written down.
// Never made but from a manifest whose every signature was checked (server/director/manifest_check.h). Values
// only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/strong.h"
#include "common/model/manifest.h"

namespace cotter::inventory {

/// A fresh report: its counter is greater than any before.
struct EcuNews {
  model::VersionReport report;
  Bytes digest;              ///< as Reported::digest
  ReleaseCounter floor;      ///< the ECU's, raised where the report says so
  bool confirms = false;     ///< it shows the desired image, and no report did before (GAP-20)
  bool quarantined = false;  ///< it shows an image that we never gave (DIR-27)
};

/// An ECU without a report in this manifest, or with one that nobody can verify (DIR-22, PRI-10): a fact to
/// act on, never a confirmation.
struct EcuAbsence {
  EcuSerial ecu;
  std::string reason;
  bool forged = false;  ///< there was a report, and it was not that ECU's
};

/// An ECU that verified another edition of the director's targets than the others of its vehicle: it was
/// unreachable for a while, or something on the way tells ECUs different things (ATK-12).
struct EcuBehind {
  EcuSerial ecu;
  Version verified;  ///< by this ECU
  Version newest;    ///< by another
};

struct ManifestNews {
  std::uint64_t counter = 0;
  std::vector<EcuNews> fresh;
  std::vector<EcuSerial> stale;  ///< repeated their last report byte for byte (DIR-26)
  std::vector<EcuAbsence> absent;
  std::vector<EcuBehind> behind;  ///< of `fresh`
};

}  // namespace cotter::inventory
