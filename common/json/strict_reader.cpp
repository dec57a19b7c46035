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
  bool Null() { return push(nullptr); }
  bool Bool(bool truth) { return push(truth); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    const std::string_view digits(text, size);
    const std::optional<std::int64_t> number = integer_in(digits);
    if (!number && numbers_ == Numbers::Any) return push(digits);
    if (!number && !refused(RuleId::JsonNumberNotInteger, "an integer of 0 to 2^53-1, digits only",
                            std::string(digits.substr(0, kQuoted)))) {
      return false;
    }
    return push(number.value_or(0));
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    return valid({text, size}) && push(std::string_view(text, size));
  }
  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    if (!valid({text, size})) return false;
    members_.emplace_back(std::string_view(text, size), Value());
    return true;
  }
  bool StartObject() { return open(true); }
  bool StartArray() { return open(false); }

  bool EndArray(rapidjson::SizeType count) {
    close();
    return push(Array(elements_.split_last(count)));
  }

  bool EndObject(rapidjson::SizeType count) {
    close();
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
  void close() {
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

  Numbers numbers_;
  bool may_hold_surrogates_;
  Packed<Value, kArrayTag> elements_;  ///< of arrays that are open, and the document itself
  Members members_;                    ///< of objects that are open; the last one may wait for its value
  bool in_object_ = false;             ///< the container that was opened last
  std::vector<bool> around_;           ///< each one that it lies in
  Object last_;                        ///< that was read, of the small ones
  std::optional<Error> refusal_;
};

Result<Value> malformed(std::string got) {
  TRY(refuse(RuleId::JsonMalformed, "one JSON document (RFC 8259) in UTF-8", std::move(got)));
  return Value();
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
Result<Value> read_from(Stream stream, std::size_t size, Builder builder) {
  rapidjson::Reader reader;
  const rapidjson::ParseResult parsed =
      reader.Parse<kFlags | rapidjson::kParseNumbersAsStringsFlag>(stream, builder);
  if (std::optional<Error> refusal = builder.take_refusal()) return fail(*std::move(refusal));
  const std::string where = " at byte " + std::to_string(parsed.IsError() ? parsed.Offset() : stream.Tell());
  // The tokenizer computes a double as it goes and gives up where that overflows, before we see the digits.
  if (parsed.Code() == rapidjson::kParseErrorNumberTooBig) {
    TRY(refuse(RuleId::JsonNumberNotInteger, "an integer of 0 to 2^53-1", "a larger one" + where));
    return Value();
  }
  if (parsed.IsError()) return malformed(rapidjson::GetParseError_En(parsed.Code()) + where);
  // It takes a zero byte for the end of its input, wherever that stands.
  if (stream.Tell() != size) return malformed("a zero byte" + where);
  return builder.take();
}

Result<Value> read_with(ByteView bytes, Numbers numbers) {
  // RapidJSON counts in 32 bits.
  if (bytes.size() > std::numeric_limits<rapidjson::SizeType>::max()) return malformed("4 GiB or more");
  const std::string_view text = as_text(bytes);
  // Nearly every file is ASCII, which is UTF-8: no character of it need be looked at for that, and strings
  // are read where they lie, in a copy.
  if (is_ascii(text)) {
    std::string copy(text);
    const bool has_escaped_code_points = text.find("\\u") != std::string_view::npos;
    return read_from<rapidjson::kParseInsituFlag>(rapidjson::InsituStringStream(copy.data()), text.size(),
                                                  Builder(numbers, has_escaped_code_points));
  }
  return read_from<rapidjson::kParseValidateEncodingFlag>(rapidjson::MemoryStream(text.data(), text.size()),
                                                          text.size(), Builder(numbers, true));
}

}  // namespace

Result<Value> read(ByteView bytes) { return read_with(bytes, Numbers::Integers); }
Result<Value> read_foreign(ByteView bytes) { return read_with(bytes, Numbers::Any); }

}  // namespace cotter::json
