#include "common/json/strict_reader.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cotter::json {
namespace {

constexpr std::int64_t kMaxInteger = (std::int64_t{1} << 53) - 1;
constexpr std::size_t kFew = 4;      // members of an object that another may share
constexpr std::size_t kQuoted = 40;  // bytes of hostile text that a message repeats

/// RapidJSON's reader writes a lone low surrogate (`\udc00`) as three bytes that are not UTF-8. Raw ones it
/// refuses itself.
bool holds_surrogate(std::string_view text) noexcept {
  for (std::size_t at = text.find('\xed'); at != std::string_view::npos; at = text.find('\xed', at + 1)) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xa0) return true;
  }
  return false;
}

/// Digits only, so neither sign, fraction nor exponent; the tokenizer has refused leading zeros before.
std::optional<std::int64_t> integer_in(std::string_view text) noexcept {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || text.front() == '-' || number > kMaxInteger) return std::nullopt;
  return number;
}

enum class Numbers : std::uint8_t { Integers, Any };

using Members = Packed<Member, kObjectTag>;

/// Takes the tokens in and builds the Value bottom-up. Finished elements wait on one stack, and members on
/// another, until their container ends, so that each array and object is allocated once, at its size. A
/// callback that returns false stops the tokenizer.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  Builder(Numbers numbers, bool may_hold_surrogates)
      : numbers_(numbers), may_hold_surrogates_(may_hold_surrogates) {}
  bool Null() {
    canonical_length_ += std::string_view("null").size();
    return push(nullptr);
  }
  bool Bool(bool truth) {
    canonical_length_ += std::string_view(truth ? "true" : "false").size();
    return push(truth);
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    const std::string_view digits(text, size);
    const std::optional<std::int64_t> number = integer_in(digits);
    canonical_length_ += size;
    if (!number) is_in_order_ = false;
    if (!number && numbers_ == Numbers::Any) return push(digits);
    if (!number && !refused(RuleId::JsonNumberNotInteger, "an integer of 0 to 2^53-1, digits only",
                            std::string(digits.substr(0, kQuoted)))) {
      return false;
    }
    return push(number.value_or(0));
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    canonical_length_ += size + kQuotes;
    return valid({text, size}) && push(std::string_view(text, size));
  }
  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    canonical_length_ += size + kQuotes + 1;
    if (!valid({text, size})) return false;
    members_.emplace_back(std::string_view(text, size), Value());
    return true;
  }
  bool StartObject() { return open(true); }
  bool StartArray() { return open(false); }

  bool EndArray(rapidjson::SizeType count) {
    close(count);
    return push(Array(elements_.split_last(count)));
  }

  bool EndObject(rapidjson::SizeType count) {
    close(count);
    if (is_like_last(count)) {
      members_.drop_last(count);
      return push(Value(last_));
    }
    Members members = members_.split_last(count);
    if (!sort_keys(members)) return false;
    Object object = Object::of_sorted(std::move(members));
    if (count <= kFew) last_ = object;
    return push(std::move(object));
  }

  [[nodiscard]] std::optional<Error> take_refusal() { return std::move(refusal_); }
  [[nodiscard]] Value take() { return std::move(elements_.back()); }
  /// That a text of this size, without a backslash, is the canonical form of what was read. No token's form
  /// is longer than the token, and one without escapes that is as long is the same.
  [[nodiscard]] bool was_canonical(std::size_t size) const {
    return is_in_order_ && canonical_length_ == size;
  }

 private:
  /// Whether to go on all the same: only where a build for tests has this rule switched off.
  bool refused(RuleId rule, std::string expected, std::string got) {
    Result<void> result = refuse(rule, std::move(expected), std::move(got));
    if (!result) refusal_ = std::move(result).error();
    return !refusal_;
  }

  /// Of the thousands of small objects in a large file neighbours are often the same ({"version":7} in a
  /// snapshot): those share one block.
  [[nodiscard]] bool is_like_last(std::size_t count) const {
    return count == last_.size() &&
           std::equal(last_.begin(), last_.end(), std::as_const(members_).end() - count);
  }

  bool push(Value&& value) {
    if (in_object_) {
      members_.back().value = std::move(value);
    } else {
      elements_.push_back(std::move(value));
    }
    return true;
  }

  bool open(bool object) {
    around_.push_back(std::exchange(in_object_, object));
    return around_.size() <= kMaxDepth ||
           refused(RuleId::JsonTooDeep, "at most 32 levels", std::to_string(around_.size()));
  }
  void close(std::size_t count) {
    canonical_length_ += kBrackets + (count > 0 ? count - 1 : 0);
    in_object_ = around_.back();
    around_.pop_back();
  }

  bool valid(std::string_view text) {
    return !may_hold_surrogates_ || !holds_surrogate(text) ||
           refused(RuleId::JsonMalformed, "UTF-8", "a lone surrogate");
  }

  /// Equal keys are neighbours then.
  bool sort_keys(Members& members) {
    const auto less = [](const Member& a, const Member& b) { return a.key < b.key; };
    const auto not_ascending = [&](const Member& a, const Member& b) { return !less(a, b); };
    // Almost every file comes sorted already: then this one pass is all.
    if (std::adjacent_find(members.begin(), members.end(), not_ascending) == members.end()) return true;
    is_in_order_ = false;
    std::stable_sort(members.begin(), members.end(), less);
    const auto first_of_two = [&] {
      const auto same = [](const Member& a, const Member& b) { return a.key == b.key; };
      return std::adjacent_find(members.begin(), members.end(), same);
    };
    for (auto twice = first_of_two(); twice != members.end(); twice = first_of_two()) {
      if (!refused(RuleId::JsonDuplicateKey, "each key once",
                   "\"" + std::string(twice->key.view().substr(0, kQuoted)) + "\" twice"))
        return false;
      members.erase(twice);  // the last one stays
    }
    return true;
  }

  static constexpr std::size_t kQuotes = 2, kBrackets = 2;
  Numbers numbers_;
  bool may_hold_surrogates_;
  bool is_in_order_ = true;            ///< all members were, and all numbers as we write them
  std::size_t canonical_length_ = 0;   ///< of what was read, but for escapes
  Packed<Value, kArrayTag> elements_;  ///< of arrays that are open, and the document itself
  Members members_;                    ///< of objects that are open; the last one may wait for its value
  bool in_object_ = false;             ///< the container that was opened last
  std::vector<bool> around_;           ///< each one that it lies in
  Object last_;                        ///< that was read, of the small ones
  std::optional<Error> refusal_;
};

Result<Reading> malformed(std::string got) {
  TRY(refuse(RuleId::JsonMalformed, "one JSON document (RFC 8259) in UTF-8", std::move(got)));
  return Reading{};
}

bool is_ascii(std::string_view text) noexcept {
  std::uint64_t all = 0;
  for (; text.size() >= sizeof all; text.remove_prefix(sizeof all)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data(), sizeof eight);
    all |= eight;
  }
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return (all & 0x8080808080808080U) == 0;
}

template <unsigned kFlags, class Stream>
Result<Reading> read_from(Stream stream, std::size_t size, bool has_escapes, Builder builder) {
  rapidjson::Reader reader;
  const rapidjson::ParseResult parsed =
      reader.Parse<kFlags | rapidjson::kParseNumbersAsStringsFlag>(stream, builder);
  if (std::optional<Error> refusal = builder.take_refusal()) return fail(*std::move(refusal));
  const std::string where = " at byte " + std::to_string(parsed.IsError() ? parsed.Offset() : stream.Tell());
  // The tokenizer computes a double as it goes and gives up where that overflows, before we see the digits.
  if (parsed.Code() == rapidjson::kParseErrorNumberTooBig) {
    TRY(refuse(RuleId::JsonNumberNotInteger, "an integer of 0 to 2^53-1", "a larger one" + where));
    return Reading{};
  }
  if (parsed.IsError()) return malformed(rapidjson::GetParseError_En(parsed.Code()) + where);
  // It takes a zero byte for the end of its input, wherever that stands.
  if (stream.Tell() != size) return malformed("a zero byte" + where);
  const bool is_canonical = !has_escapes && builder.was_canonical(size);
  return Reading{builder.take(), is_canonical};
}

bool has_escapes(std::string_view text) noexcept { return text.find('\\') != std::string_view::npos; }

/// Nearly every file is ASCII, which is UTF-8: no character of it need be looked at for that, and strings are
/// read where they lie.
Result<Reading> read_ascii(std::string text, Numbers numbers) {
  const bool escapes = has_escapes(text);
  return read_from<rapidjson::kParseInsituFlag>(rapidjson::InsituStringStream(text.data()), text.size(),
                                                escapes, Builder(numbers, escapes));
}

template <class Text>
Result<Reading> read_with(Text&& text, Numbers numbers) {
  // RapidJSON counts in 32 bits.
  if (text.size() > std::numeric_limits<rapidjson::SizeType>::max()) return malformed("4 GiB or more");
  if (is_ascii(text)) return read_ascii(std::string(std::forward<Text>(text)), numbers);
  return read_from<rapidjson::kParseValidateEncodingFlag>(rapidjson::MemoryStream(text.data(), text.size()),
                                                          text.size(), has_escapes(text),
                                                          Builder(numbers, true));
}

}  // namespace

Result<Value> read(ByteView bytes) { return TRY(read_with(as_text(bytes), Numbers::Integers)).value; }
Result<Reading> read_and_look(std::string text) { return read_with(std::move(text), Numbers::Integers); }
Result<Value> read_foreign(ByteView bytes) { return TRY(read_with(as_text(bytes), Numbers::Any)).value; }

}  // namespace cotter::json
