#include "common/json/strict_reader.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cotter::json {
namespace {

constexpr std::int64_t kMaxInteger = (std::int64_t{1} << 53) - 1;
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

/// Takes the tokens in and builds the Value bottom-up. Finished values wait on one stack until their
/// container ends, so that each array and object is allocated once, at its size. A callback that returns
/// false stops the tokenizer.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
 public:
  Builder(Numbers numbers, bool may_hold_surrogates)
      : numbers_(numbers), may_hold_surrogates_(may_hold_surrogates) {}
  bool Null() { return push(); }
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
    keys_.emplace_back(std::string_view(text, size));
    return true;
  }
  bool StartObject() { return open(); }
  bool StartArray() { return open(); }

  bool EndArray(rapidjson::SizeType count) {
    --depth_;
    const auto first = values_.end() - static_cast<std::ptrdiff_t>(count);
    Array elements(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.erase(first, values_.end());
    return push(std::move(elements));
  }

  bool EndObject(rapidjson::SizeType count) {
    --depth_;
    const std::size_t keys = keys_.size() - count, values = values_.size() - count;
    Members members = Members::made_of(count, [&](std::size_t i) {
      return Member{std::move(keys_[keys + i]), std::move(values_[values + i])};
    });
    keys_.resize(keys);
    values_.resize(values);
    return sort_keys(members) && push(Object::of_sorted(std::move(members)));
  }

  [[nodiscard]] std::optional<Error> take_refusal() { return std::move(refusal_); }
  [[nodiscard]] Value take() { return std::move(values_.back()); }

 private:
  /// Whether to go on all the same: only where a build for tests has this rule switched off.
  bool refused(RuleId rule, std::string expected, std::string got) {
    Result<void> result = refuse(rule, std::move(expected), std::move(got));
    if (!result) refusal_ = std::move(result).error();
    return !refusal_;
  }

  template <class... Content>
  bool push(Content&&... content) {
    values_.emplace_back(std::forward<Content>(content)...);
    return true;
  }

  bool open() {
    return ++depth_ <= kMaxDepth || refused(RuleId::JsonTooDeep, "at most 32 levels", std::to_string(depth_));
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
  std::vector<Value> values_;
  std::vector<json::String> keys_;
  std::size_t depth_ = 0;
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
