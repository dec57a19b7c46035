#include <optional>

#include "common/model/roles.h"

namespace cotter::model {
namespace {

/// Takes one code point of UTF-8 from the front of `text`. A stray byte counts as one: strings come from the
/// strict reader, and what does not must not match more than it says.
std::string_view take_char(std::string_view& text) {
  const auto is_continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  std::size_t length = 1;
  while (length < text.size() && length < 4 && is_continuation(text[length])) ++length;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

/// What stands between `[` and its `]`.
struct Set {
  bool inverted = false;
  std::string_view items;

  /// Byte order is code point order in UTF-8, so a range is two comparisons.
  [[nodiscard]] bool has(std::string_view wanted) const {
    std::string_view rest = items;
    while (!rest.empty()) {
      const std::string_view low = take_char(rest);
      std::string_view high = low;
      if (rest.size() > 1 && rest.front() == '-') {
        rest.remove_prefix(1);
        high = take_char(rest);
      }
      if (low <= wanted && wanted <= high) return !inverted;
    }
    return inverted;
  }
};

/// Takes a set from the front of `pattern`, which starts with `[`; nothing, and nothing taken, when it is not
/// closed. A `]` that comes first belongs to the set.
std::optional<Set> take_set(std::string_view& pattern) {
  Set set;
  std::size_t begin = 1;
  if (begin < pattern.size() && pattern[begin] == '!') {
    set.inverted = true;
    ++begin;
  }
  const auto end = pattern.find(']', begin + 1);
  if (end == std::string_view::npos) return std::nullopt;
  set.items = pattern.substr(begin, end - begin);
  pattern.remove_prefix(end + 1);
  return set;
}

/// Takes one pattern element that is no `*` and the character it stands for. False when they do not fit.
bool take_match(std::string_view& pattern, std::string_view& text) {
  if (pattern.empty()) return false;
  const std::string_view wanted = take_char(text);
  if (pattern.front() == '[') {
    if (const std::optional<Set> set = take_set(pattern)) return set->has(wanted);
  }
  const std::string_view element = take_char(pattern);
  return element == "?" || element == wanted;
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
      take_char(retry);
      text = retry;
    }
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

}  // namespace

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
