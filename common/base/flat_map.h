// A map in one block of memory, sorted by key: made at once of many entries, read, copied and walked often.
// Costs a move of all that follows for a new entry in the middle. As std::map: threads may share one while
// nobody changes it, and a change invalidates iterators.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace cotter {

template <class Key, class Value>
class FlatMap {
 public:
  using value_type = std::pair<Key, Value>;
  using const_iterator = typename std::vector<value_type>::const_iterator;

  FlatMap() = default;
  /// Takes entries in any order. Of equal keys the first one stays.
  explicit FlatMap(std::vector<value_type> entries) : entries_(std::move(entries)) {
    const auto less = [](const value_type& a, const value_type& b) { return a.first < b.first; };
    const auto not_ascending = [&](const value_type& a, const value_type& b) { return !less(a, b); };
    if (std::adjacent_find(entries_.begin(), entries_.end(), not_ascending) == entries_.end()) return;
    std::stable_sort(entries_.begin(), entries_.end(), less);
    entries_.erase(std::unique(entries_.begin(), entries_.end(), not_ascending), entries_.end());
  }

  [[nodiscard]] const_iterator begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] const_iterator end() const noexcept { return entries_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] const_iterator lower_bound(const Key& key) const {
    return std::lower_bound(begin(), end(), key,
                            [](const value_type& entry, const Key& wanted) { return entry.first < wanted; });
  }
  [[nodiscard]] const_iterator find(const Key& key) const {
    const auto at = lower_bound(key);
    return at != end() && at->first == key ? at : end();
  }
  [[nodiscard]] bool contains(const Key& key) const { return find(key) != end(); }
  /// What std::map would throw ends the program here.
  [[nodiscard]] const Value& at(const Key& key) const {
    const auto found = find(key);
    COTTER_ASSERT(found != end());
    return found->second;
  }
  /// Made where it is missing.
  Value& operator[](const Key& key) {
    auto at = lower_bound(key);
    if (at == end() || at->first != key) at = entries_.emplace(at, key, Value());
    return entries_[static_cast<std::size_t>(at - begin())].second;
  }
  void erase(const Key& key) {
    if (const auto found = find(key); found != end()) entries_.erase(found);
  }
  void clear() noexcept { entries_.clear(); }

 private:
  std::vector<value_type> entries_;
};

}  // namespace cotter
