#include "common/json/object_view.h"

#include <optional>
#include <utility>

namespace cotter::json {
namespace {

std::string member_name(const std::string& what, std::string_view key) {
  std::string name = what;
  name += '.';
  name += key;
  return name;
}

Result<void> refuse_kind(std::string_view what, std::string_view expected, const Value& got) {
  return refuse(RuleId::MemberWrongKind, std::string(what) + " to be " + std::string(expected),
                std::string(got.kind()));
}

}  // namespace

Result<ObjectView> ObjectView::of(const Value& value, std::string what) {
  static const Object kNone;
  const Object* object = value.as_object();
  if (object == nullptr) TRY(refuse_kind(what, "an object", value));
  return ObjectView(object == nullptr ? kNone : *object, std::move(what));
}

Result<ObjectView> ObjectView::of_member(const Member& member, std::string_view of) {
  if (const Object* object = member.value.as_object())
    return ObjectView(*object, std::string(of), member.key);
  return ObjectView::of(member.value, member_name(std::string(of), shown(member.key)));
}

std::string ObjectView::what() const { return member_ ? member_name(what_, shown(*member_)) : what_; }

Result<const Value*> ObjectView::value(std::string_view key) const {
  static const Value kNull;
  const Value* found = find(key);
  if (found == nullptr) TRY(refuse(RuleId::MemberMissing, member_name(what(), key), "nothing"));
  return found == nullptr ? &kNull : found;
}

Result<std::string> ObjectView::string(std::string_view key) const {
  const Value* found = TRY(value(key));
  if (const String* text = found->as_string()) return std::string(text->view());
  TRY(refuse_kind(member_name(what(), key), "a string", *found));
  return std::string();
}

Result<std::uint64_t> ObjectView::integer(std::string_view key) const {
  const Value* found = TRY(value(key));
  const std::optional<std::int64_t> number = found->as_int();
  if (number && *number >= 0) return static_cast<std::uint64_t>(*number);
  TRY(refuse_kind(member_name(what(), key), "an integer of 0 or more", *found));
  return std::uint64_t{0};
}

Result<bool> ObjectView::boolean(std::string_view key) const {
  const Value* found = TRY(value(key));
  if (const std::optional<bool> truth = found->as_bool()) return *truth;
  TRY(refuse_kind(member_name(what(), key), "true or false", *found));
  return false;
}

Result<UtcTime> ObjectView::time(std::string_view key) const { return parse_utc(TRY(string(key))); }

Result<Bytes> ObjectView::hex(std::string_view key) const {
  const std::string text = TRY(string(key));
  if (std::optional<Bytes> bytes = from_hex(text)) return *std::move(bytes);
  TRY(refuse(RuleId::MemberWrongKind, member_name(what(), key) + " to be hex", text.substr(0, 40)));
  return Bytes();
}

Result<const Array*> ObjectView::array(std::string_view key) const {
  static const Array kNone;
  const Value* found = TRY(value(key));
  if (const Array* elements = found->as_array()) return elements;
  TRY(refuse_kind(member_name(what(), key), "an array", *found));
  return &kNone;
}

Result<ObjectView> ObjectView::object(std::string_view key) const {
  return of(*TRY(value(key)), member_name(what(), key));
}

Result<std::string> string_of(const Value& value, std::string_view what) {
  if (const String* text = value.as_string()) return std::string(text->view());
  TRY(refuse_kind(what, "a string", value));
  return std::string();
}

Result<std::uint64_t> integer_of(const Value& value, std::string_view what) {
  const std::optional<std::int64_t> number = value.as_int();
  if (number && *number >= 0) return static_cast<std::uint64_t>(*number);
  TRY(refuse_kind(what, "an integer of 0 or more", value));
  return std::uint64_t{0};
}

}  // namespace cotter::json
