#include "server/repository/path_patterns.h"

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"
#include "common/model/glob.h"

namespace cotter::repository {
namespace {

using model::GlobElement;

/// Code points from `low` to `high`.
struct Range {
  std::uint32_t low, high;
};
using Ranges = std::vector<Range>;  ///< in order, apart from each other

constexpr std::uint32_t kSlash = '/', kLastCodePoint = 0x10FFFF;

std::uint32_t number_of(std::string_view code_point) {
  const auto byte = [&](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(code_point[at])}; };
  if (code_point.size() == 1) return byte(0);
  std::uint32_t number = byte(0) & (0xFFU >> (code_point.size() + 1));
  for (std::size_t at = 1; at < code_point.size(); ++at) number = number << 6U | (byte(at) & 0x3FU);
  return number;
}

Ranges sorted(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.low < b.low; });
  Ranges joined;
  for (const Range& range : ranges) {
    if (range.low > range.high) continue;
    if (!joined.empty() && range.low <= joined.back().high + 1) {
      joined.back().high = std::max(joined.back().high, range.high);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

Ranges without(const Ranges& all) {
  Ranges rest;
  std::uint32_t next = 0;
  for (const Range& range : all) {
    if (range.low > next) rest.push_back({next, range.low - 1});
    next = range.high + 1;
  }
  if (next <= kLastCodePoint) rest.push_back({next, kLastCodePoint});
  return rest;
}

/// The characters that it stands for. A slash is none: it stands between segments.
Ranges characters(const GlobElement& element) {
  Ranges named;
  if (element.kind == GlobElement::Kind::Literal) return {{number_of(element.text), number_of(element.text)}};
  std::string_view rest = element.kind == GlobElement::Kind::Set ? element.text : std::string_view();
  while (!rest.empty()) {
    const model::GlobRange range = model::take_glob_range(rest);
    named.push_back({number_of(range.low), number_of(range.high)});
  }
  const bool is_rest = element.kind == GlobElement::Kind::Any || element.inverted;
  Ranges left_out = is_rest ? sorted(std::move(named)) : without(sorted(std::move(named)));
  left_out.push_back({kSlash, kSlash});
  left_out.push_back({0xD800, 0xDFFF});  // no characters
  return without(sorted(std::move(left_out)));
}

bool meet(const Ranges& one, const Ranges& other) {
  for (auto a = one.begin(), b = other.begin(); a != one.end() && b != other.end();) {
    if (a->low <= b->high && b->low <= a->high) return true;
    a->high < b->high ? ++a : ++b;
  }
  return false;
}

bool holds(const Ranges& wide, const Ranges& narrow) {
  return std::all_of(narrow.begin(), narrow.end(), [&](const Range& range) {
    return std::any_of(wide.begin(), wide.end(),
                       [&](const Range& each) { return each.low <= range.low && range.high <= each.high; });
  });
}

struct Step {
  bool is_star = false;
  Ranges characters{};
};

/// What lies between two slashes. Stars come behind the `?` that they touch, and once: `*?*` is `?*`.
std::vector<Step> steps_of(std::string_view segment) {
  std::vector<Step> steps;
  while (!segment.empty()) {
    const GlobElement element = model::take_glob_element(segment);
    const bool after_star = !steps.empty() && steps.back().is_star;
    if (element.kind == GlobElement::Kind::Star) {
      if (!after_star) steps.push_back({true});
    } else if (element.kind == GlobElement::Kind::Any && after_star) {
      steps.insert(steps.end() - 1, {false, characters(element)});
    } else {
      steps.push_back({false, characters(element)});
    }
  }
  return steps;
}

/// Two patterns read side by side. `reached[i][j]`: some text leads through the first i steps of the one and
/// the first j of the other.
bool segments_overlap(const std::vector<Step>& one, const std::vector<Step>& other) {
  std::vector<bool> reached(other.size() + 1), next;
  reached[0] = true;
  for (std::size_t i = 0; i <= one.size(); ++i) {
    next.assign(other.size() + 1, false);
    for (std::size_t j = 0; j <= other.size(); ++j) {
      if (!reached[j]) continue;
      const Step* ours = i < one.size() ? &one[i] : nullptr;
      const Step* theirs = j < other.size() ? &other[j] : nullptr;
      const bool our_star = ours != nullptr && ours->is_star,
                 their_star = theirs != nullptr && theirs->is_star;
      if (our_star || (their_star && ours != nullptr && !ours->characters.empty())) next[j] = true;
      if (their_star || (our_star && theirs != nullptr && !theirs->characters.empty())) reached[j + 1] = true;
      if (ours == nullptr || theirs == nullptr || our_star || their_star) continue;
      if (meet(ours->characters, theirs->characters)) next[j + 1] = true;
    }
    if (i < one.size()) reached = next;
  }
  return reached[other.size()];
}

/// `wide` matches `narrow` as if its stars were characters of their own, which only a star stands for.
bool segment_covers(const std::vector<Step>& wide, const std::vector<Step>& narrow) {
  std::vector<bool> reached(narrow.size() + 1), next;
  reached[0] = true;
  for (const Step& step : wide) {
    next.assign(narrow.size() + 1, false);
    for (std::size_t j = 0; j <= narrow.size(); ++j) {
      if (!reached[j]) continue;
      if (step.is_star) {
        std::fill(next.begin() + static_cast<std::ptrdiff_t>(j), next.end(), true);
        break;
      }
      if (j < narrow.size() && !narrow[j].is_star && holds(step.characters, narrow[j].characters)) {
        next[j + 1] = true;
      }
    }
    reached = next;
  }
  return reached[narrow.size()];
}

template <class Compare>
bool each_segment(std::string_view one, std::string_view other, const Compare& compare) {
  for (;;) {
    const auto our_slash = one.find('/'), their_slash = other.find('/');
    const bool we_end = our_slash == std::string_view::npos, they_end = their_slash == std::string_view::npos;
    if (we_end != they_end) return false;
    if (!compare(steps_of(one.substr(0, our_slash)), steps_of(other.substr(0, their_slash)))) return false;
    if (we_end) return true;
    one.remove_prefix(our_slash + 1);
    other.remove_prefix(their_slash + 1);
  }
}

bool is_one_name(std::string_view pattern) { return pattern.find_first_of("*?[") == std::string_view::npos; }

bool has_prefix(std::string_view name, const std::string& prefix) {
  return to_hex(crypto::sha256(as_bytes(name))).starts_with(prefix);
}

bool for_same_hardware(const model::DelegatedRole& one, const model::DelegatedRole& other) {
  if (one.any_hardware || other.any_hardware) return true;
  return std::any_of(one.hardware_ids.begin(), one.hardware_ids.end(), [&](const HardwareId& id) {
    return std::count(other.hardware_ids.begin(), other.hardware_ids.end(), id) > 0;
  });
}

bool hardware_covers(const model::DelegatedRole& wide, const model::DelegatedRole& narrow) {
  if (wide.any_hardware) return true;
  if (narrow.any_hardware) return false;
  return std::all_of(narrow.hardware_ids.begin(), narrow.hardware_ids.end(), [&](const HardwareId& id) {
    return std::count(wide.hardware_ids.begin(), wide.hardware_ids.end(), id) > 0;
  });
}

/// Whether the prefixes from `prefix` on downward leave none out: sixteen longer ones make one.
bool all_below(const std::vector<std::string>& prefixes, const std::string& prefix) {
  const auto is_of = [&](const std::string& each) { return prefix.starts_with(each); };
  if (std::any_of(prefixes.begin(), prefixes.end(), is_of)) return true;
  const auto is_below = [&](const std::string& each) { return each.starts_with(prefix); };
  if (std::none_of(prefixes.begin(), prefixes.end(), is_below)) return false;
  const std::string_view digits = "0123456789abcdef";
  return std::all_of(digits.begin(), digits.end(),
                     [&](char digit) { return all_below(prefixes, prefix + digit); });
}

}  // namespace

bool patterns_overlap(std::string_view one, std::string_view other) {
  return each_segment(one, other, segments_overlap);
}

bool pattern_covers(std::string_view wide, std::string_view narrow) {
  return each_segment(wide, narrow, segment_covers);
}

bool is_catch_all(std::string_view pattern) {
  return !pattern.empty() && pattern.front() == '*' &&
         pattern.find_first_not_of("*/") == std::string_view::npos &&
         pattern.find("//") == std::string_view::npos && pattern.back() == '*';
}

std::optional<std::pair<std::string, std::string>> shared_paths(const model::DelegatedRole& one,
                                                                const model::DelegatedRole& other) {
  if (!for_same_hardware(one, other)) return std::nullopt;
  const auto hash = [](const std::string& prefix) { return "hash prefix " + prefix; };
  for (const std::string& ours : one.paths) {
    for (const std::string& theirs : other.paths) {
      if (patterns_overlap(ours, theirs)) return {{ours, theirs}};
    }
    for (const std::string& prefix : other.path_hash_prefixes) {
      if (!is_one_name(ours) || has_prefix(ours, prefix)) return {{ours, hash(prefix)}};
    }
  }
  for (const std::string& ours : one.path_hash_prefixes) {
    for (const std::string& theirs : other.paths) {
      if (!is_one_name(theirs) || has_prefix(theirs, ours)) return {{hash(ours), theirs}};
    }
    for (const std::string& theirs : other.path_hash_prefixes) {
      if (ours.starts_with(theirs) || theirs.starts_with(ours)) return {{hash(ours), hash(theirs)}};
    }
  }
  return std::nullopt;
}

bool entry_covers(const model::DelegatedRole& wide, const model::DelegatedRole& narrow) {
  if (!hardware_covers(wide, narrow)) return false;
  if (covers_every_hash(wide)) return true;
  const bool paths = std::all_of(narrow.paths.begin(), narrow.paths.end(), [&](const std::string& pattern) {
    if (is_one_name(pattern)) return wide.covers(TargetName(pattern));
    return std::any_of(wide.paths.begin(), wide.paths.end(),
                       [&](const std::string& each) { return pattern_covers(each, pattern); });
  });
  return paths &&
         std::all_of(narrow.path_hash_prefixes.begin(), narrow.path_hash_prefixes.end(),
                     [&](const std::string& prefix) { return all_below(wide.path_hash_prefixes, prefix); });
}

bool covers_every_hash(const model::DelegatedRole& entry) { return all_below(entry.path_hash_prefixes, ""); }

}  // namespace cotter::repository
