#include "server/cli/given_time.h"

#include <algorithm>
#include <cstdlib>

#include "common/host/system_clock.h"

namespace cotter::cli {

namespace {
constexpr std::size_t kDayLength = 10;  // of "2027-01-31"
constexpr std::size_t kMostDigits = 4;
}  // namespace

Result<UtcTime> given_time(const std::string& text) {
  const auto time = parse_utc(text.size() == kDayLength ? text + "T00:00:00Z" : text);
  if (time) return *time;
  return fault(Fault::Kind::Usage, "no day or time: \"" + text + "\"",
               "write 2027-01-31 or 2027-01-31T12:00:00Z");
}

Result<UtcTime> given_time_or_now(const std::string& text) {
  if (text.empty()) return host::SystemClock().now();
  return given_time(text);
}

Result<std::chrono::seconds> given_span(const std::string& text) {
  const std::string digits = text.substr(0, text.empty() ? 0 : text.size() - 1);
  const bool is_number =
      !digits.empty() && digits.size() <= kMostDigits &&
      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (is_number && text.back() == 'd') return std::chrono::days(std::atoi(digits.c_str()));
  if (is_number && text.back() == 'h') return std::chrono::hours(std::atoi(digits.c_str()));
  return fault(Fault::Kind::Usage, "no length of time: \"" + text + "\"", "write 30d or 12h");
}

}  // namespace cotter::cli
