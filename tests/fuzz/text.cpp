// What is read from short texts - hex, base64, dates, globs, names, addresses - against second readings,
// written from the definitions and slow. And no name, whatever it is, leads out of its folder.
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/links/tcp_link.h"
#include "client/store/local_name.h"
#include "common/base/time.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"
#include "server/http/listen_address.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/program.h"

namespace cotter::fuzz {
namespace {

// --- hex, base64 ------------------------------------------------------------------------------------------

std::optional<unsigned> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<Bytes> naive_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit_of(text[i]);
    const auto low = digit_of(text[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(*high * 16 + *low));
  }
  return bytes;
}

void hex(std::string_view text) {
  const auto bytes = from_hex(text);
  COTTER_ASSERT(bytes == naive_hex(text));
  if (bytes) COTTER_ASSERT(from_hex(to_hex(*bytes)) == bytes);
  COTTER_ASSERT(naive_hex(to_hex(as_bytes(text))) == to_bytes(text));
}

/// RFC 4648 section 4, bit by bit.
std::string naive_base64(ByteView bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  const std::size_t bits = bytes.size() * 8;
  for (std::size_t at = 0; at < bits; at += 6) {
    std::size_t value = 0;
    for (std::size_t bit = at; bit < at + 6; ++bit) {
      const bool set = bit < bits && (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
      value = value * 2 + (set ? 1 : 0);
    }
    text += kDigits[value];
  }
  while (text.size() % 4 != 0) text += '=';
  return text;
}

void base64(std::string_view text) {
  if (const auto bytes = from_base64(text)) COTTER_ASSERT(naive_base64(*bytes) == text);
  const std::string written = to_base64(as_bytes(text));
  COTTER_ASSERT(written == naive_base64(as_bytes(text)));
  COTTER_ASSERT(from_base64(written) == to_bytes(text));
}

// --- dates ------------------------------------------------------------------------------------------------

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  for (const char c : text.substr(at, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

/// Seconds since 1970, counted year by year and month by month.
std::optional<std::int64_t> naive_utc(std::string_view text) {
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != 'Z') {
    return std::nullopt;
  }
  const auto year = number_at(text, 0, 4), month = number_at(text, 5, 2), day = number_at(text, 8, 2);
  const auto hour = number_at(text, 11, 2), minute = number_at(text, 14, 2), second = number_at(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const auto days_in = [&](int which) {
    static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return which == 2 && is_leap(*year) ? 29 : kDays[which - 1];
  };
  if (*month < 1 || *month > 12 || *day < 1 || *day > days_in(*month)) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  std::int64_t days = *day - 1;
  for (int m = 1; m < *month; ++m) days += days_in(m);
  for (int y = 1970; y < *year; ++y) days += is_leap(y) ? 366 : 365;
  for (int y = *year; y < 1970; ++y) days -= is_leap(y) ? 366 : 365;
  return ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
}

void utc(std::string_view text) {
  const auto time = parse_utc(text);
  const auto naive = naive_utc(text);
  COTTER_ASSERT(time.has_value() == naive.has_value());
  if (!time) return;
  COTTER_ASSERT(time->time_since_epoch().count() == *naive);
  COTTER_ASSERT(format_utc(*time) == text);
}

// --- globs ------------------------------------------------------------------------------------------------

using Text = std::u32string;

/// Nothing for what is not UTF-8: metadata never holds it.
std::optional<Text> code_points(std::string_view text) {
  Text points;
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 0 || length > text.size()) return std::nullopt;
    char32_t point = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (const char c : text.substr(1, length - 1)) {
      if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80U) return std::nullopt;
      point = point << 6U | (static_cast<unsigned char>(c) & 0x3fU);
    }
    static constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kLeast[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
      return std::nullopt;
    points += point;
    text.remove_prefix(length);
  }
  return points;
}

/// FMT-74 as one recursive definition, each pair of places judged once.
class NaiveGlob {
 public:
  NaiveGlob(Text pattern, Text path) : pattern_(std::move(pattern)), path_(std::move(path)) {}

  bool matches(std::size_t p = 0, std::size_t t = 0) {
    const auto known = known_.find({p, t});
    if (known != known_.end()) return known->second;
    return known_[{p, t}] = judge(p, t);
  }

 private:
  bool judge(std::size_t p, std::size_t t) {
    if (p == pattern_.size()) return t == path_.size();
    if (pattern_[p] == U'*') {
      const bool one_more = t < path_.size() && path_[t] != U'/';
      return matches(p + 1, t) || (one_more && matches(p, t + 1));
    }
    if (t == path_.size()) return false;
    if (pattern_[p] == U'?') return path_[t] != U'/' && matches(p + 1, t + 1);
    if (pattern_[p] == U'[') {
      if (const auto end = end_of_set(p)) {
        return path_[t] != U'/' && set_has(p, *end, path_[t]) && matches(*end + 1, t + 1);
      }
    }
    return pattern_[p] == path_[t] && matches(p + 1, t + 1);
  }

  /// Where the `]` of the set at `p` stands, if its segment has one.
  [[nodiscard]] std::optional<std::size_t> end_of_set(std::size_t p) const {
    std::size_t at = p + 1;
    if (at < pattern_.size() && pattern_[at] == U'!') ++at;
    const std::size_t first = at;
    for (; at < pattern_.size() && pattern_[at] != U'/'; ++at) {
      if (pattern_[at] == U']' && at > first) return at;
    }
    return std::nullopt;
  }

  [[nodiscard]] bool set_has(std::size_t p, std::size_t end, char32_t wanted) const {
    std::size_t at = p + 1;
    const bool inverted = pattern_[at] == U'!';
    if (inverted) ++at;
    bool has = false;
    while (at < end) {
      const char32_t low = pattern_[at];
      char32_t high = low;
      if (at + 2 < end && pattern_[at + 1] == U'-') {
        high = pattern_[at + 2];
        at += 2;
      }
      ++at;
      has = has || (low <= wanted && wanted <= high);
    }
    return has != inverted;
  }

  Text pattern_, path_;
  std::map<std::pair<std::size_t, std::size_t>, bool> known_;
};

void glob(std::string_view text) {
  const auto split = text.find('\n');
  if (split == std::string_view::npos || text.size() > 200) return;
  const std::string_view pattern = text.substr(0, split), path = text.substr(split + 1);
  const bool matches = model::glob_matches(pattern, path);
  const auto pattern_points = code_points(pattern), path_points = code_points(path);
  if (pattern_points && path_points) {
    COTTER_ASSERT(matches == NaiveGlob(*pattern_points, *path_points).matches());
  }
}

// --- names ------------------------------------------------------------------------------------------------

bool is_one_segment(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

bool stays_below(const std::string& path) {
  const std::filesystem::path normal = (std::filesystem::path("base") / path).lexically_normal();
  return std::filesystem::path(path).is_relative() && *normal.begin() == "base";
}

void names(std::string_view text) {
  const std::string name(text);
  const std::string segment = model::percent_encoded_segment(text);
  COTTER_ASSERT(name.empty() || is_one_segment(segment));
  COTTER_ASSERT(is_one_segment(model::metadata_file_name(RoleName(name), std::nullopt)));
  COTTER_ASSERT(is_one_segment(model::metadata_file_name(RoleName(name), Version(7))));
  COTTER_ASSERT(stays_below(model::target_url_path(TargetName(name), "")) || text.starts_with('/'));
  if (!name.empty()) {
    const std::string local = client::local_name(text);
    COTTER_ASSERT(is_one_segment(local) && local.size() <= 220);
  }
  const bool safe = model::is_safe_target_name(text);
  if (safe) COTTER_ASSERT(stays_below(name) && !text.ends_with('/') && text.size() <= 255);
  if (safe) COTTER_ASSERT(model::target_url_path(TargetName(name), "").size() >= name.size());
  if (model::is_identifier(text)) COTTER_ASSERT(is_one_segment(name));
  if (model::is_releasable_role_name(text))
    COTTER_ASSERT(!name.empty() && name.find('/') == std::string::npos);
}

// --- addresses --------------------------------------------------------------------------------------------

void addresses(std::string_view text) {
  if (const auto address = client::parse_tcp_address(std::string(text))) {
    COTTER_ASSERT(!address->host.empty());
    const bool bracketed = address->host.find(':') != std::string::npos;
    const std::string written =
        (bracketed ? "[" + address->host + "]" : address->host) + ":" + std::to_string(address->port);
    const auto again = client::parse_tcp_address(written);
    COTTER_ASSERT(again && again->host == address->host && again->port == address->port);
  }
  http::ServerOptions options;
  const std::string before = options.host;
  if (http::parse_listen_address(text, options)) {
    COTTER_ASSERT(!options.host.empty() && options.host.find_first_of("[]") == std::string::npos);
  } else {
    COTTER_ASSERT(options.host == before);
  }
}

}  // namespace

void one(ByteView input) {
  static constexpr void (*kReadings[])(std::string_view) = {hex, base64, utc, glob, names, addresses};
  Program program(input);
  const std::size_t which = program.below(std::size(kReadings));
  kReadings[which](as_text(program.rest()));
}

}  // namespace cotter::fuzz
