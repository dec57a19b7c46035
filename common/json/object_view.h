// Typed access to the members of a json::Object. Refuses what is missing or of another kind, and names it.
// Never copies the object: a view lives as long as its Value.
// Pure: safe on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/json/value.h"

namespace cotter::json {

class ObjectView {
 public:
  /// Rejection: member-wrong-kind when `value` is no object. `what` names it in messages: "signed.meta".
  static Result<ObjectView> of(const Value& value, std::string what);
  /// The same of a member of the object that `of` names; the name is put together where a message wants it,
  /// for an object may have a million members. `member` must outlive the view.
  static Result<ObjectView> of_member(const Member& member, std::string_view of);
  /// `object` must outlive the view.
  static ObjectView of(const Object& object, std::string what) { return ObjectView(object, std::move(what)); }

  // Required members. Rejections: member-missing, member-wrong-kind; date-malformed.
  Result<const Value*> value(std::string_view key) const;
  Result<std::string> string(std::string_view key) const;
  Result<std::uint64_t> integer(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<UtcTime> time(std::string_view key) const;
  Result<Bytes> hex(std::string_view key) const;  ///< a string of hex; member-wrong-kind when it is not
  Result<const Array*> array(std::string_view key) const;
  Result<ObjectView> object(std::string_view key) const;

  /// Optional members: nullptr where absent.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept { return object_->find(key); }
  [[nodiscard]] const Object& members() const noexcept { return *object_; }
  [[nodiscard]] std::string what() const;

 private:
  ObjectView(const Object& object, std::string what, std::optional<std::string_view> member = {})
      : object_(&object), what_(std::move(what)), member_(member) {}
  const Object* object_;
  std::string what_;
  std::optional<std::string_view> member_;  ///< of it; none: `what_` is the whole name
};

/// Typed reading of one value, for elements of arrays. Rejection: member-wrong-kind.
Result<std::string> string_of(const Value& value, std::string_view what);
Result<std::uint64_t> integer_of(const Value& value, std::string_view what);

}  // namespace cotter::json
