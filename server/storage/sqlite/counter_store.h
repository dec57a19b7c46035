// The release counters of images in bins, by hardware id: what IMG-9 compares a new one with.
// Never counts what no timestamp made visible. As Db: one thread at a time.
#pragma once

#include <optional>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/host/sqlite.h"

namespace cotter::storage {

class CounterStore {
 public:
  explicit CounterStore(host::Db& db) : db_(&db) {}

  /// Nothing where no image in a bin is for this hardware.
  Result<std::optional<ReleaseCounter>> highest(const HardwareId& hardware);
  /// Inside a transaction of the caller's: the timestamp of this version will make it visible.
  Result<void> note(const HardwareId& hardware, ReleaseCounter counter, Version timestamp);
  /// Drops what was noted for timestamps after this one, which were never published.
  Result<void> forget_after(Version timestamp);

 private:
  host::Db* db_;
};

}  // namespace cotter::storage
