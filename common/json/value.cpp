#include "common/json/value.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace cotter::json {
namespace {

constexpr std::int64_t kMaxInWord = (std::int64_t{1} << 60) - 1;

bool key_less(const Member& a, const Member& b) noexcept { return a.key < b.key; }

const Member* lower_bound(const Packed<Member, kObjectTag>& members, std::string_view key) noexcept {
  return std::lower_bound(
      members.begin(), members.end(), key,
      [](const Member& member, std::string_view wanted) { return member.key.view() < wanted; });
}

const Member* find_member(const Packed<Member, kObjectTag>& members, std::string_view key) noexcept {
  const Member* const at = lower_bound(members, key);
  return at == members.end() || at->key != key ? nullptr : at;
}

}  // namespace

// --- String -----------------------------------------------------------------------------------------------

String::String(std::string_view text) {
  if (text.size() <= kInlineSize) {
    word_ = kInlineTextTag | std::uint64_t{text.size()} << kInlineShift;
    if (!text.empty()) std::memcpy(reinterpret_cast<char*>(&word_) + kInlineAt, text.data(), text.size());
    return;
  }
  COTTER_ASSERT(text.size() <= UINT32_MAX);
  auto* const block = static_cast<char*>(::operator new(sizeof(Head) + text.size()));
  new (block) Head{static_cast<std::uint32_t>(text.size()), 1};
  std::memcpy(block + sizeof(Head), text.data(), text.size());
  word_ = word_of(block, kTextTag);
}

void String::let_go() noexcept {
  if (head()->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(block_of(word_));
}

// --- Array, Object ----------------------------------------------------------------------------------------

bool operator==(const Array& a, const Array& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Object::Object(std::initializer_list<Member> members) : Object(std::vector<Member>(members)) {}

Object::Object(std::vector<Member> members) {
  const auto not_ascending = [](const Member& a, const Member& b) { return !key_less(a, b); };
  // Almost every file comes sorted already: then this one pass is all.
  if (std::adjacent_find(members.begin(), members.end(), not_ascending) != members.end()) {
    std::stable_sort(members.begin(), members.end(), key_less);
    const auto same_key = [](const Member& a, const Member& b) { return a.key == b.key; };
    // unique() keeps the first of equals: run it backwards, so that the last one stays.
    const auto kept = std::unique(members.rbegin(), members.rend(), same_key).base();
    members.erase(members.begin(), kept);
  }
  members_.reserve(members.size());
  for (Member& member : members) members_.push_back(std::move(member));
}

Object Object::of_sorted(Packed<Member, kObjectTag> members) noexcept {
  Object object;
  object.members_ = std::move(members);
  return object;
}

const Value* Object::find(std::string_view key) const noexcept {
  const Member* const found = find_member(members_, key);
  return found == nullptr ? nullptr : &found->value;
}

Value* Object::find(std::string_view key) {
  const Member* const found = find_member(members_, key);
  return found == nullptr ? nullptr : &members_[static_cast<std::size_t>(found - begin())].value;
}

void Object::set(std::string_view key, Value value) {
  const Member* const place = lower_bound(members_, key);
  if (place != end() && place->key == key) {
    members_[static_cast<std::size_t>(place - begin())].value = std::move(value);
  } else {
    members_.insert(place, Member{key, std::move(value)});
  }
}

void Object::erase(std::string_view key) {
  if (const Member* found = find_member(members_, key)) members_.erase(found);
}

bool operator==(const Object& a, const Object& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// --- Value ------------------------------------------------------------------------------------------------

Value::Value(bool v) noexcept : bits_{kBoolTag | (v ? std::uint64_t{1} : 0) << kContentShift} {}

Value::Value(std::int64_t v) : bits_{kIntTag | static_cast<std::uint64_t>(v) << kContentShift} {
  if (v >= -kMaxInWord && v <= kMaxInWord) return;
  bits_.word = word_of(new std::int64_t(v), kWideIntTag);
}

Value::Value(const Value& other) : bits_{kNullTag} {
  switch (other.tag()) {
    case kTextTag:
    case kInlineTextTag:
      new (&text_) String(other.text_);
      break;
    case kArrayTag:
      new (&array_) Array(other.array_);
      break;
    case kObjectTag:
      new (&object_) Object(other.object_);
      break;
    case kWideIntTag:
      bits_.word = word_of(new std::int64_t(*other.as_int()), kWideIntTag);
      break;
    default:
      bits_ = other.bits_;
  }
}

void Value::let_go() noexcept {
  switch (tag()) {
    case kTextTag:
      text_.~String();
      break;
    case kArrayTag:
      array_.~Array();
      break;
    case kObjectTag:
      object_.~Object();
      break;
    case kWideIntTag:
      delete static_cast<std::int64_t*>(block_of(bits_.word));
      break;
    default:
      break;
  }
}

std::string_view Value::kind() const noexcept {
  static constexpr std::array<std::string_view, kTagMask + 1> kNames = {
      "null", "boolean", "integer", "integer", "string", "string", "array", "object"};
  return kNames[tag()];
}

/// What has no block has one form alone: an integer or a text of a kind lies in a block when it must.
bool Value::equals_with_block(const Value& other) const {
  if (tag() != other.tag()) return false;
  switch (tag()) {
    case kTextTag:
      return text_ == other.text_;
    case kArrayTag:
      return array_ == other.array_;
    case kObjectTag:
      return object_ == other.object_;
    default:
      return *as_int() == *other.as_int();
  }
}

}  // namespace cotter::json
