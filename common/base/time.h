// Points in time as the metadata writes them, and the seam to a clock.
// Never reads a clock by itself. Values only; the Clock seam says its own thread rule.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace cotter {

using UtcTime = std::chrono::sys_seconds;

/// Reads exactly `YYYY-MM-DDTHH:MM:SSZ` (TUF 4.2.3; FMT-8): no fraction, no offset, a real calendar day,
/// second 0-59. Rejection: date-malformed.
Result<UtcTime> parse_utc(std::string_view text);
/// The same form. Years 0000-9999.
std::string format_utc(UtcTime time);

/// One `now` for a whole cycle is read from it once (VER-TIME). Implementations are safe on any thread.
struct Clock {
  virtual ~Clock() = default;
  [[nodiscard]] virtual UtcTime now() const = 0;
};

}  // namespace cotter
