// A JSON value as the metadata knows it: null, bool, integer, string, array, object. No floats.
// Never holds what canonical form cannot carry, nor one key twice.
// A plain value: threads may share it while nobody changes it. A copy costs next to nothing until it is
// changed.
//
// Every value takes one word: a hostile file of two bytes a value ("[0,0,...]") must not grow to many times
// its size on an ECU. What does not fit into the word lies in one block of memory, whose address is in the
// word.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json/packed.h"

namespace cotter::json {

class Value;
struct Member;

/// Text of any length; up to seven bytes lie in the word itself. A copy shares the block of a longer one.
class String {
 public:
  String() noexcept = default;
  String(std::string_view text);                                       // NOLINT(google-explicit-constructor)
  String(const std::string& text) : String(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
  String(const char* text) : String(std::string_view(text)) {}         // NOLINT(google-explicit-constructor)
  String(const String& other) noexcept : word_(other.word_) {
    if (has_block()) head()->owners.fetch_add(1, std::memory_order_relaxed);
  }
  String(String&& other) noexcept : word_(std::exchange(other.word_, kInlineTextTag)) {}
  String& operator=(String other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~String() {
    if (has_block()) let_go();
  }

  [[nodiscard]] std::string_view view() const noexcept {
    if (has_block()) return {reinterpret_cast<const char*>(head()) + sizeof(Head), head()->size};
    return {reinterpret_cast<const char*>(&word_) + kInlineAt, word_ >> kInlineShift & kInlineLength};
  }
  operator std::string_view() const noexcept { return view(); }  // NOLINT(google-explicit-constructor)
  operator std::string() const { return std::string(view()); }   // NOLINT(google-explicit-constructor)
  [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
  [[nodiscard]] bool empty() const noexcept { return view().empty(); }
  [[nodiscard]] bool starts_with(std::string_view beginning) const noexcept {
    return view().starts_with(beginning);
  }
  friend bool operator==(const String& a, const String& b) noexcept {
    return a.word_ == b.word_ || (a.has_block() && a.view() == b.view());
  }
  friend bool operator==(const String& a, std::string_view b) noexcept { return a.view() == b; }
  friend bool operator==(const String& a, const std::string& b) noexcept { return a.view() == b; }
  friend bool operator==(const String& a, const char* b) noexcept { return a.view() == b; }
  friend bool operator<(const String& a, const String& b) noexcept { return a.view() < b.view(); }
  friend std::string operator+(const String& a, std::string_view b) {
    return std::string(a.view()).append(b);
  }
  friend std::string operator+(const char* a, const String& b) { return std::string(a).append(b.view()); }

 private:
  struct Head {
    std::uint32_t size;
    std::atomic<std::uint32_t> owners;
  };
  /// In memory the kind's byte is the first or the last of the word; text takes the other seven.
  static constexpr std::size_t kInlineAt = std::endian::native == std::endian::little ? 1 : 0;
  static constexpr std::size_t kInlineSize = 7;
  static constexpr unsigned kInlineShift = 3;
  static constexpr std::uint64_t kInlineLength = 7;

  [[nodiscard]] bool has_block() const noexcept { return (word_ & kTagMask) == kTextTag; }
  [[nodiscard]] Head* head() const noexcept { return static_cast<Head*>(block_of(word_)); }
  void let_go() noexcept;

  std::uint64_t word_ = kInlineTextTag;
};

/// A number or a truth, where the value is one: asked like the pointers that text, arrays and objects give.
template <class T>
class Found : public std::optional<T> {
 public:
  using std::optional<T>::optional;
  friend bool operator==(const Found& found, std::nullptr_t) noexcept { return !found.has_value(); }
};

class Array : public Packed<Value, kArrayTag> {
 public:
  using Packed::Packed;
  explicit Array(Packed elements) noexcept : Packed(std::move(elements)) {}
  friend bool operator==(const Array& a, const Array& b);
};

/// Members sorted by key in byte order, which is UTF-8's code point order, each key once: the canonical
/// order.
class Object {
 public:
  Object() noexcept = default;
  Object(std::initializer_list<Member> members);
  /// Takes members in any order. Of equal keys the last one stays; the strict reader refuses them before.
  explicit Object(std::vector<Member> members);
  /// Takes members that are in order already, each key once.
  static Object of_sorted(Packed<Member, kObjectTag> members) noexcept;

  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  [[nodiscard]] Value* find(std::string_view key);
  void set(std::string_view key, Value value);  ///< adds or replaces
  void erase(std::string_view key);
  [[nodiscard]] bool empty() const noexcept { return members_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] const Member* begin() const noexcept { return members_.begin(); }
  [[nodiscard]] const Member* end() const noexcept { return members_.end(); }
  friend bool operator==(const Object&, const Object&);

 private:
  friend class Value;
  Packed<Member, kObjectTag> members_;
};

class Value {
 public:
  Value() noexcept : bits_{kNullTag} {}                            // null
  Value(std::nullptr_t) noexcept : bits_{kNullTag} {}              // NOLINT(google-explicit-constructor)
  Value(bool v) noexcept;                                          // NOLINT(google-explicit-constructor)
  Value(std::int64_t v);                                           // NOLINT(google-explicit-constructor)
  Value(int v) : Value(std::int64_t{v}) {}                         // NOLINT(google-explicit-constructor)
  Value(std::uint64_t v) : Value(static_cast<std::int64_t>(v)) {}  // NOLINT(google-explicit-constructor)
  Value(String v) noexcept : text_(std::move(v)) {}                // NOLINT(google-explicit-constructor)
  Value(const std::string& v) : text_(v) {}                        // NOLINT(google-explicit-constructor)
  Value(std::string_view v) : text_(v) {}                          // NOLINT(google-explicit-constructor)
  Value(const char* v) : text_(v) {}                               // NOLINT(google-explicit-constructor)
  Value(Array v) noexcept : array_(std::move(v)) {}                // NOLINT(google-explicit-constructor)
  Value(Object v) noexcept : object_(std::move(v)) {}              // NOLINT(google-explicit-constructor)
  Value(const Value& other);
  Value(Value&& other) noexcept : bits_{std::exchange(other.bits_.word, kNullTag)} {}
  Value& operator=(Value other) noexcept {
    std::swap(bits_.word, other.bits_.word);
    return *this;
  }
  ~Value() {
    if (may_have_block()) let_go();
  }

  [[nodiscard]] bool is_null() const noexcept { return tag() == kNullTag; }
  /// The content when it is of that kind, else nothing, or nullptr.
  [[nodiscard]] Found<bool> as_bool() const noexcept {
    if (tag() != kBoolTag) return std::nullopt;
    return bits_.word >> kContentShift != 0;
  }
  [[nodiscard]] Found<std::int64_t> as_int() const noexcept {
    if (tag() == kIntTag) return static_cast<std::int64_t>(bits_.word) >> kContentShift;
    if (tag() == kWideIntTag) return *static_cast<const std::int64_t*>(block_of(bits_.word));
    return std::nullopt;
  }
  [[nodiscard]] const String* as_string() const noexcept {
    return tag() == kTextTag || tag() == kInlineTextTag ? &text_ : nullptr;
  }
  [[nodiscard]] const Array* as_array() const noexcept { return tag() == kArrayTag ? &array_ : nullptr; }
  [[nodiscard]] Array* as_array() noexcept { return tag() == kArrayTag ? &array_ : nullptr; }
  [[nodiscard]] const Object* as_object() const noexcept { return tag() == kObjectTag ? &object_ : nullptr; }
  [[nodiscard]] Object* as_object() noexcept { return tag() == kObjectTag ? &object_ : nullptr; }
  /// "object", "string", …: for messages.
  [[nodiscard]] std::string_view kind() const noexcept;
  /// Whether they are seen to be equal at once: the same small content, or one block for both.
  [[nodiscard]] bool is_one_with(const Value& other) const noexcept { return bits_.word == other.bits_.word; }
  friend bool operator==(const Value& a, const Value& b) {
    return a.is_one_with(b) || (a.may_have_block() && a.equals_with_block(b));
  }

 private:
  static constexpr unsigned kContentShift = 3;
  struct Bits {
    std::uint64_t word;
  };
  [[nodiscard]] std::uint64_t tag() const noexcept { return bits_.word & kTagMask; }
  /// Whether values of this kind may have a block.
  [[nodiscard]] bool may_have_block() const noexcept {
    constexpr std::uint64_t kKinds = 1U << kWideIntTag | 1U << kTextTag | 1U << kArrayTag | 1U << kObjectTag;
    return (kKinds >> tag() & 1U) != 0;
  }
  void let_go() noexcept;
  [[nodiscard]] bool equals_with_block(const Value& other) const;
  // Each of them is one word, with its kind in the lowest bits: any of them may be asked for the kind.
  union {
    Bits bits_;
    String text_;
    Array array_;
    Object object_;
  };
};

struct Member {
  String key;
  Value value;
  friend bool operator==(const Member&, const Member&) = default;
};

static_assert(sizeof(Value) == sizeof(std::uint64_t) && sizeof(Member) == 2 * sizeof(std::uint64_t));

}  // namespace cotter::json
