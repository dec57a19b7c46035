#include "server/storage/sqlite/counter_store.h"

namespace cotter::storage {

Result<std::optional<ReleaseCounter>> CounterStore::highest(const HardwareId& hardware) {
  host::Statement row =
      TRY(db_->query("SELECT max(counter) FROM release_counter WHERE hardware_id = ?1", {hardware.value()}));
  if (!TRY(row.step()) || row.is_null(0)) return std::optional<ReleaseCounter>();
  return std::optional(ReleaseCounter(row.count(0)));
}

Result<void> CounterStore::note(const HardwareId& hardware, ReleaseCounter counter, Version timestamp) {
  return db_->run(
      "INSERT OR IGNORE INTO release_counter (hardware_id, counter, timestamp_version) VALUES (?1, ?2, ?3)",
      {hardware.value(), counter.value(), timestamp.value()});
}

Result<void> CounterStore::forget_after(Version timestamp) {
  return db_->run("DELETE FROM release_counter WHERE timestamp_version > ?1", {timestamp.value()});
}

}  // namespace cotter::storage
