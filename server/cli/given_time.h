// Days and lengths of time as people type them.
// Never reads a clock but for "now", where nothing was typed. Pure but for that.
#pragma once

#include <chrono>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"

namespace cotter::cli {

/// "2027-01-31" (its beginning, UTC) or "2027-01-31T12:00:00Z". Fault: Usage.
Result<UtcTime> given_time(const std::string& text);
/// The same, and now where `text` is empty.
Result<UtcTime> given_time_or_now(const std::string& text);
/// "30d", "12h": at most 9999 of them. Fault: Usage.
Result<std::chrono::seconds> given_span(const std::string& text);

}  // namespace cotter::cli
