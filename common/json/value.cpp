#include "common/json/value.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cotter::json {
namespace {

bool key_less(const Member& a, const Member& b) noexcept { return a.key < b.key; }

template <class Members>
auto lower_bound(Members& members, std::string_view key) noexcept {
  return std::lower_bound(
      members.begin(), members.end(), key,
      [](const Member& member, std::string_view wanted) { return member.key.compare(wanted) < 0; });
}

template <class Members>
auto* find_value(Members& members, std::string_view key) noexcept {
  const auto at = lower_bound(members, key);
  return at == members.end() || at->key != key ? nullptr : &at->value;
}

}  // namespace

Object::Object(std::initializer_list<Member> members) : Object(std::vector<Member>(members)) {}

Object::Object(std::vector<Member> members) : members_(std::move(members)) {
  const auto not_ascending = [](const Member& a, const Member& b) { return !key_less(a, b); };
  // Almost every file comes sorted already: then this one pass is all.
  if (std::adjacent_find(members_.begin(), members_.end(), not_ascending) == members_.end()) return;
  std::stable_sort(members_.begin(), members_.end(), key_less);
  const auto same_key = [](const Member& a, const Member& b) { return a.key == b.key; };
  // unique() keeps the first of equals: run it backwards, so that the last one stays.
  const auto kept = std::unique(members_.rbegin(), members_.rend(), same_key).base();
  members_.erase(members_.begin(), kept);
}

const Value* Object::find(std::string_view key) const noexcept { return find_value(members_, key); }
Value* Object::find(std::string_view key) noexcept { return find_value(members_, key); }

void Object::set(std::string key, Value value) {
  const auto at = lower_bound(members_, key);
  if (at != members_.end() && at->key == key) {
    at->value = std::move(value);
  } else {
    members_.insert(at, Member{std::move(key), std::move(value)});
  }
}

void Object::erase(std::string_view key) {
  const auto at = lower_bound(members_, key);
  if (at != members_.end() && at->key == key) members_.erase(at);
}

bool Object::empty() const noexcept { return members_.empty(); }
std::size_t Object::size() const noexcept { return members_.size(); }
std::vector<Member>::const_iterator Object::begin() const noexcept { return members_.begin(); }
std::vector<Member>::const_iterator Object::end() const noexcept { return members_.end(); }
bool operator==(const Object& a, const Object& b) { return a.members_ == b.members_; }

std::string_view Value::kind() const noexcept {
  static constexpr std::array<std::string_view, std::variant_size_v<decltype(data_)>> kNames = {
      "null", "boolean", "integer", "string", "array", "object"};
  return kNames[data_.index()];
}

}  // namespace cotter::json
