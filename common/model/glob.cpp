#include "common/model/glob.h"

#include <optional>

#include "common/model/roles.h"

namespace cotter::model {
namespace {

/// Takes a set from the front of `pattern`, which starts with `[`; nothing, and nothing taken, when it is not
/// closed. A `]` that comes first belongs to the set.
std::optional<GlobElement> take_set(std::string_view& pattern) {
  GlobElement set{GlobElement::Kind::Set, false, {}};
  std::size_t begin = 1;
  if (begin < pattern.size() && pattern[begin] == '!') {
    set.inverted = true;
    ++begin;
  }
  const auto end = pattern.find(']', begin + 1);
  if (end == std::string_view::npos) return std::nullopt;
  set.text = pattern.substr(begin, end - begin);
  pattern.remove_prefix(end + 1);
  return set;
}

/// Takes one pattern element that is no `*` and the character it stands for. False when they do not fit.
bool take_match(std::string_view& pattern, std::string_view& text) {
  if (pattern.empty()) return false;
  const std::string_view wanted = take_code_point(text);
  return take_glob_element(pattern).has(wanted);
}

/// Only the last `*` is ever tried again, at the next character: no pattern can make this exponential.
bool segment_matches(std::string_view pattern, std::string_view text) {
  std::optional<std::string_view> after_star;
  std::string_view retry;
  while (!text.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      after_star = pattern;
      retry = text;
    } else if (!take_match(pattern, text)) {
      if (!after_star) return false;
      pattern = *after_star;
      take_code_point(retry);
      text = retry;
    }
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

}  // namespace

std::string_view take_code_point(std::string_view& text) {
  const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  std::size_t length = 1;
  while (length < text.size() && length < 4 && is_continuation(text[length])) ++length;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

GlobRange take_glob_range(std::string_view& set) {
  const std::string_view low = take_code_point(set);
  if (set.size() < 2 || set.front() != '-') return {low, low};
  set.remove_prefix(1);
  return {low, take_code_point(set)};
}

GlobElement take_glob_element(std::string_view& segment) {
  if (segment.front() == '[') {
    if (const std::optional<GlobElement> set = take_set(segment)) return *set;
  }
  const std::string_view text = take_code_point(segment);
  if (text == "*") return {GlobElement::Kind::Star, false, text};
  return {text == "?" ? GlobElement::Kind::Any : GlobElement::Kind::Literal, false, text};
}

bool GlobElement::has(std::string_view code_point) const {
  if (kind == Kind::Any) return true;
  if (kind == Kind::Literal) return text == code_point;
  std::string_view rest = text;
  while (!rest.empty()) {
    // Byte order is code point order in UTF-8, so a range is two comparisons.
    const GlobRange range = take_glob_range(rest);
    if (range.low <= code_point && code_point <= range.high) return !inverted;
  }
  return inverted;
}

bool glob_matches(std::string_view pattern, std::string_view path) {
  for (;;) {
    const auto pattern_slash = pattern.find('/');
    const auto path_slash = path.find('/');
    const bool pattern_ends = pattern_slash == std::string_view::npos;
    const bool path_ends = path_slash == std::string_view::npos;
    if (pattern_ends != path_ends) return false;
    if (!segment_matches(pattern.substr(0, pattern_slash), path.substr(0, path_slash))) return false;
    if (path_ends) return true;
    pattern.remove_prefix(pattern_slash + 1);
    path.remove_prefix(path_slash + 1);
  }
}

}  // namespace cotter::model
