#include "server/app/requirement.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

namespace cotter::app {
namespace {

using Members = std::vector<std::uint32_t>;  ///< places of keys, sorted

struct Candidate {
  Members members;
  std::uint64_t shadow = 0;  ///< a bit for each member, some shared: tells most sets apart at once

  [[nodiscard]] bool is_within(const Candidate& other) const {
    return (shadow & ~other.shadow) == 0 &&
           std::includes(other.members.begin(), other.members.end(), members.begin(), members.end());
  }
};
using Candidates = std::vector<Candidate>;

Candidate join(const Candidate& a, const Candidate& b) {
  Candidate both{{}, a.shadow | b.shadow};
  std::set_union(a.members.begin(), a.members.end(), b.members.begin(), b.members.end(),
                 std::back_inserter(both.members));
  return both;
}

class Expansion {
 public:
  Candidates of(const Requirement& requirement) {
    if (requirement.is_impossible()) return {};
    if (!requirement.keys.empty()) return choices(requirement);
    // by_count[n]: the sets that meet n of what has been looked at.
    std::vector<Candidates> by_count(requirement.least + 1);
    by_count.front().push_back({});
    for (const Requirement& part : requirement.parts) add(by_count, of(part));
    return std::move(by_count.back());
  }
  [[nodiscard]] const std::vector<SigningKey>& keys() const { return keys_; }
  [[nodiscard]] bool is_cut() const { return is_cut_; }

 private:
  Candidate single(const SigningKey& key) {
    const auto [place, is_new] = places_.try_emplace(key.material, static_cast<std::uint32_t>(keys_.size()));
    if (is_new) keys_.push_back(key);
    return {{place->second}, std::uint64_t{1} << (place->second % 64)};
  }

  /// Every choice of `least` of the keys, first keys first.
  Candidates choices(const Requirement& leaf) {
    Candidates singles, all;
    for (const SigningKey& key : leaf.keys) singles.push_back(single(key));
    std::vector<std::size_t> chosen(leaf.least);
    std::iota(chosen.begin(), chosen.end(), 0);
    for (;;) {
      if (all.size() == kMostKeySets) {
        is_cut_ = true;
        return all;
      }
      Candidate& set = all.emplace_back();
      for (const std::size_t place : chosen) set = join(set, singles[place]);
      std::size_t moving = chosen.size();
      while (moving > 0 && chosen[moving - 1] == singles.size() - (chosen.size() - (moving - 1))) --moving;
      if (moving == 0) return all;
      std::iota(chosen.begin() + static_cast<std::ptrdiff_t>(moving) - 1, chosen.end(),
                chosen[moving - 1] + 1);
    }
  }

  void add(std::vector<Candidates>& by_count, const Candidates& next) {
    for (std::size_t count = by_count.size() - 1; count > 0; --count) {
      Candidates& sets = by_count[count];
      for (const Candidate& before : by_count[count - 1]) {
        if (sets.size() > 2 * kMostKeySets) {
          is_cut_ = true;
          break;
        }
        for (const Candidate& one : next) sets.push_back(join(before, one));
      }
      keep_minimal(sets);
    }
  }

  /// Shortest first; and none that holds another.
  void keep_minimal(Candidates& sets) {
    std::stable_sort(sets.begin(), sets.end(), [](const Candidate& a, const Candidate& b) {
      return a.members.size() != b.members.size() ? a.members.size() < b.members.size()
                                                  : a.members < b.members;
    });
    Candidates kept;
    std::ptrdiff_t shorter =
        0;  // of those kept: only they can be within the next, or it is the last once more
    for (Candidate& set : sets) {
      if (!kept.empty() && kept.back().members.size() < set.members.size()) shorter = std::ssize(kept);
      const bool is_spare = (!kept.empty() && kept.back().members == set.members) ||
                            std::any_of(kept.begin(), kept.begin() + shorter,
                                        [&](const Candidate& one) { return one.is_within(set); });
      if (is_spare) continue;
      if (kept.size() == kMostKeySets) {
        is_cut_ = true;
        break;
      }
      kept.push_back(std::move(set));
    }
    sets = std::move(kept);
  }

  std::map<std::string, std::uint32_t> places_;
  std::vector<SigningKey> keys_;
  bool is_cut_ = false;
};

}  // namespace

Requirement Requirement::keys_of(const RoleName& role, const model::RoleKeys& keys,
                                 const model::KeyRing& ring) {
  const auto of_class = [&](std::uint32_t least, std::optional<crypto::KeyClass> wanted) {
    Requirement leaf{least, {}, role};
    std::set<std::string> seen;
    for (const KeyId& id : keys.keyids) {
      const auto key = ring.find(id);
      const auto its = key == ring.end() ? std::nullopt : crypto::class_of(key->second.listed_scheme());
      if (!its || (wanted && its != wanted)) continue;
      if (seen.insert(key->second.material()).second) leaf.keys.push_back({key->second.material(), id});
    }
    return leaf;
  };
  Requirement plain = of_class(keys.threshold, std::nullopt);
  const auto classes = keys.required_classes();
  if (!classes) return plain;
  std::vector<Requirement> parts{std::move(plain)};
  for (const auto& [key_class, least] : classes->least) parts.push_back(of_class(least, key_class));
  return all_of(std::move(parts));
}

Requirement Requirement::all_of(std::vector<Requirement> parts) {
  std::erase_if(parts, [](const Requirement& part) { return part.is_nothing(); });
  if (std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.is_impossible(); })) {
    return impossible();
  }
  const auto all = static_cast<std::uint32_t>(parts.size());
  return at_least(all, std::move(parts));
}

Requirement Requirement::any_of(std::vector<Requirement> parts) {
  std::vector<Requirement> flat;
  for (Requirement& part : parts) {
    if (part.least == 1 && part.keys.empty()) {
      std::move(part.parts.begin(), part.parts.end(), std::back_inserter(flat));
    } else {
      flat.push_back(std::move(part));
    }
  }
  std::vector<Requirement> each;
  for (Requirement& part : flat) {
    if (std::find(each.begin(), each.end(), part) == each.end()) each.push_back(std::move(part));
  }
  return at_least(1, std::move(each));
}

Requirement Requirement::at_least(std::uint32_t least, std::vector<Requirement> parts) {
  std::erase_if(parts, [](const Requirement& part) { return part.is_impossible(); });
  for (auto part = parts.begin(); part != parts.end() && least > 0;) {
    if (!part->is_nothing()) {
      ++part;
      continue;
    }
    part = parts.erase(part);
    --least;
  }
  if (least == 0) return nothing();
  if (least > parts.size()) return impossible();
  if (parts.size() == 1) return std::move(parts.front());
  return {least, {}, {}, std::move(parts)};
}

std::uint32_t Requirement::fewest() const noexcept {
  if (parts.empty()) return least;
  const auto of_classes =
      std::accumulate(std::next(parts.begin()), parts.end(), std::uint32_t{0},
                      [](std::uint32_t sum, const auto& part) { return sum + part.least; });
  return std::max(plain().least, of_classes);
}

bool Requirement::met_by(const std::set<std::string>& materials) const {
  const auto held = std::count_if(keys.begin(), keys.end(),
                                  [&](const auto& key) { return materials.contains(key.material); });
  const auto met = std::count_if(parts.begin(), parts.end(),
                                 [&](const Requirement& part) { return part.met_by(materials); });
  return static_cast<std::uint64_t>(held + met) >= least;
}

KeySets smallest_sets(const Requirement& requirement, std::size_t limit) {
  Expansion expansion;
  const Candidates all = expansion.of(requirement);
  KeySets answer{{}, all.size(), expansion.is_cut()};
  for (const Candidate& set : all) {
    if (answer.shortest.size() == limit) break;
    KeySet& keys = answer.shortest.emplace_back();
    for (const std::uint32_t place : set.members) keys.push_back(expansion.keys()[place]);
  }
  return answer;
}

}  // namespace cotter::app
