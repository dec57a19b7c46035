// A JSON value as the metadata knows it: null, bool, integer, string, array, object. No floats.
// Never holds what canonical form cannot carry, nor one key twice.
// A plain value: threads may share it while nobody changes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cotter::json {

class Value;
struct Member;
using Array = std::vector<Value>;

/// Members sorted by key in byte order, which is UTF-8's code point order, each key once: the canonical
/// order.
class Object {
 public:
  // Defined below, where Member is whole: clang asks for that.
  Object() noexcept;
  Object(const Object& other);
  Object(Object&& other) noexcept;
  Object& operator=(const Object& other);
  Object& operator=(Object&& other) noexcept;
  ~Object();
  Object(std::initializer_list<Member> members);
  /// Takes members in any order. Of equal keys the last one stays; the strict reader refuses them before.
  explicit Object(std::vector<Member> members);

  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  [[nodiscard]] Value* find(std::string_view key) noexcept;
  void set(std::string key, Value value);  ///< adds or replaces
  void erase(std::string_view key);
  [[nodiscard]] bool empty() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::vector<Member>::const_iterator begin() const noexcept;
  [[nodiscard]] std::vector<Member>::const_iterator end() const noexcept;
  friend bool operator==(const Object&, const Object&);

 private:
  std::vector<Member> members_;
};

class Value {
 public:
  Value() = default;                                               // null
  Value(std::nullptr_t) {}                                         // NOLINT(google-explicit-constructor)
  Value(bool v) : data_(v) {}                                      // NOLINT(google-explicit-constructor)
  Value(std::int64_t v) : data_(v) {}                              // NOLINT(google-explicit-constructor)
  Value(int v) : data_(std::int64_t{v}) {}                         // NOLINT(google-explicit-constructor)
  Value(std::uint64_t v) : data_(static_cast<std::int64_t>(v)) {}  // NOLINT(google-explicit-constructor)
  Value(std::string v) : data_(std::move(v)) {}                    // NOLINT(google-explicit-constructor)
  Value(std::string_view v) : data_(std::string(v)) {}             // NOLINT(google-explicit-constructor)
  Value(const char* v) : data_(std::string(v)) {}                  // NOLINT(google-explicit-constructor)
  Value(Array v) : data_(std::move(v)) {}                          // NOLINT(google-explicit-constructor)
  Value(Object v) : data_(std::move(v)) {}                         // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool is_null() const noexcept { return std::holds_alternative<std::monostate>(data_); }
  /// The content when it is of that kind, else nullptr.
  [[nodiscard]] const bool* as_bool() const noexcept { return std::get_if<bool>(&data_); }
  [[nodiscard]] const std::int64_t* as_int() const noexcept { return std::get_if<std::int64_t>(&data_); }
  [[nodiscard]] const std::string* as_string() const noexcept { return std::get_if<std::string>(&data_); }
  [[nodiscard]] const Array* as_array() const noexcept { return std::get_if<Array>(&data_); }
  [[nodiscard]] Array* as_array() noexcept { return std::get_if<Array>(&data_); }
  [[nodiscard]] const Object* as_object() const noexcept { return std::get_if<Object>(&data_); }
  [[nodiscard]] Object* as_object() noexcept { return std::get_if<Object>(&data_); }
  /// "object", "string", …: for messages.
  [[nodiscard]] std::string_view kind() const noexcept;
  friend bool operator==(const Value&, const Value&) = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::string, Array, Object> data_;
};

struct Member {
  std::string key;
  Value value;
  friend bool operator==(const Member&, const Member&) = default;
};

inline Object::Object() noexcept = default;
inline Object::Object(const Object& other) = default;
inline Object::Object(Object&& other) noexcept = default;
inline Object& Object::operator=(const Object& other) = default;
inline Object& Object::operator=(Object&& other) noexcept = default;
inline Object::~Object() = default;

}  // namespace cotter::json
