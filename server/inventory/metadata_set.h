// The three signed files of one vehicle that belong together, as it downloads them.
// Never a part of them: they are made, checked, stored and dropped as one. Values only.
#pragma once

#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/strong.h"
#include "common/base/time.h"

namespace cotter::inventory {

struct MetadataSet {
  Version targets_version, snapshot_version, timestamp_version;
  Version root_version;                ///< the newest director root when it was signed
  std::uint64_t desired_revision = 0;  ///< of the vehicle when it was made: Vehicle::desired_revision
  UtcTime made_at{};
  UtcTime expires{};  ///< of the first of the three to expire
  Bytes targets, snapshot, timestamp;
};

}  // namespace cotter::inventory
