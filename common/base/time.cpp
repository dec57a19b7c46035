#include "common/base/time.h"

#include <array>
#include <cstdint>
#include <cstdio>

namespace cotter {
namespace {

/// The number in a run of decimal digits, or -1.
int digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Result<UtcTime> parse_utc(std::string_view text) {
  using namespace std::chrono;
  static constexpr std::string_view kShape = "0000-00-00T00:00:00Z";
  bool well_formed = text.size() == kShape.size();
  for (std::size_t i = 0; well_formed && i < kShape.size(); ++i) {
    well_formed = kShape[i] == '0' ? digits(text.substr(i, 1)) >= 0 : text[i] == kShape[i];
  }
  if (well_formed) {
    const year_month_day date{year{digits(text.substr(0, 4))},
                              month{static_cast<unsigned>(digits(text.substr(5, 2)))},
                              day{static_cast<unsigned>(digits(text.substr(8, 2)))}};
    const int h = digits(text.substr(11, 2));
    const int m = digits(text.substr(14, 2));
    const int s = digits(text.substr(17, 2));
    if (date.ok() && h < 24 && m < 60 && s < 60) return sys_days{date} + hours{h} + minutes{m} + seconds{s};
  }
  TRY(refuse(RuleId::DateMalformed, "YYYY-MM-DDTHH:MM:SSZ", std::string(text.substr(0, 40))));
  return UtcTime::max();
}

std::string format_utc(UtcTime time) {
  using namespace std::chrono;
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace cotter
