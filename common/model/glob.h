// What a pattern of a delegation is made of, element by element: the one reading of its syntax, for who
// matches names and for who compares patterns. Never allocates. Pure. glob_matches() is in roles.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace cotter::model {

/// One element of one segment of a pattern: what stands between two slashes.
struct GlobElement {
  enum class Kind : std::uint8_t { Literal, Any, Set, Star };
  Kind kind = Kind::Literal;
  bool inverted = false;  ///< of a Set: `[!…]`
  std::string_view text;  ///< of a Literal its one code point; of a Set what stands between the brackets

  /// Whether it stands for this code point, in UTF-8. A Star is never asked.
  [[nodiscard]] bool has(std::string_view code_point) const;
};

/// Takes one code point of UTF-8 from the front of `text`, which is not empty. A stray byte counts as one:
/// strings come from the strict reader, and what does not must not match more than it says.
std::string_view take_code_point(std::string_view& text);

/// Takes one element from the front of a segment, which is not empty.
GlobElement take_glob_element(std::string_view& segment);

/// Takes a range "a-z", or one code point as a range of itself, from the front of a set's text, which is not
/// empty.
struct GlobRange {
  std::string_view low, high;
};
GlobRange take_glob_range(std::string_view& set);

}  // namespace cotter::model
