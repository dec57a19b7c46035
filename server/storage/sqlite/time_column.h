// How cotter.db holds a point in time: seconds since 1970 UTC in an INTEGER column; NULL for none.
// Never a local time, never text. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/time.h"
#include "common/host/sqlite.h"

namespace cotter::storage {

inline std::int64_t seconds_of(UtcTime time) { return time.time_since_epoch().count(); }
inline UtcTime time_at(const host::Statement& row, int column) {
  return UtcTime(std::chrono::seconds(row.integer(column)));
}
inline std::optional<UtcTime> optional_time_at(const host::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return time_at(row, column);
}

}  // namespace cotter::storage
