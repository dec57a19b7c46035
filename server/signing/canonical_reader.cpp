#include "server/signing/canonical_reader.h"

#include <algorithm>
#include <string_view>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"

namespace cotter::signing {
namespace {

constexpr std::uint8_t kFirstPrintable = 0x20;

/// The same in JSON: "\u000a" for a raw newline. Outside strings a control character is malformed either way.
Bytes with_escapes(ByteView canonical) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kMoreForEscape = 5;
  const auto raw = static_cast<std::size_t>(
      std::ranges::count_if(canonical, [](std::uint8_t byte) { return byte < kFirstPrintable; }));
  Bytes text;
  text.reserve(canonical.size() + raw * kMoreForEscape);
  for (const std::uint8_t byte : canonical) {
    if (byte >= kFirstPrintable) {
      text.push_back(byte);
      continue;
    }
    for (const char c : std::string_view("\\u00")) text.push_back(static_cast<std::uint8_t>(c));
    text.push_back(static_cast<std::uint8_t>(kDigits[byte >> 4]));
    text.push_back(static_cast<std::uint8_t>(kDigits[byte & 0xf]));
  }
  return text;
}

}  // namespace

Result<json::Value> read_canonical(ByteView canonical) {
  json::Value value = TRY(json::read(with_escapes(canonical)));
  if (json::canonical_length_in(value, as_text(canonical)) != canonical.size()) {
    TRY(refuse(RuleId::JsonMalformed, "canonical JSON", "another spelling of it"));
  }
  return value;
}

}  // namespace cotter::signing
