// The strict reader and both writers: what is read, written and read again is equal; canonical form agrees
// with a second, naive writer.
#include <algorithm>
#include <map>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

/// Canonical JSON as a child would write it from the definition (FMT-25): slow, and short enough to be seen
/// to be right.
std::string naive(const json::Value& value) {
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  };
  if (const auto* flag = value.as_bool()) return *flag ? "true" : "false";
  if (const auto* number = value.as_int()) return std::to_string(*number);
  if (const auto* text = value.as_string()) return quoted(*text);
  std::string out;
  if (const auto* array = value.as_array()) {
    for (const json::Value& element : *array) out += (out.empty() ? "" : ",") + naive(element);
    return "[" + out + "]";
  }
  if (const auto* object = value.as_object()) {
    std::map<std::string, std::string> members;
    for (const json::Member& member : *object) members[member.key] = naive(member.value);
    for (const auto& [key, written] : members) out += (out.empty() ? "" : ",") + quoted(key) + ":" + written;
    return "{" + out + "}";
  }
  return "null";
}

}  // namespace

void one(ByteView input) {
  const auto value = json::read(input);
  if (!value) return;
  COTTER_ASSERT(as_text(json::canonical(*value)) == naive(*value));
  const std::string text = json::to_text(*value);
  const auto again = json::read(as_bytes(text));
  COTTER_ASSERT(again && *again == *value);
  const std::string pretty = json::to_pretty_text(*value);
  const auto pretty_again = json::read(as_bytes(pretty));
  COTTER_ASSERT(pretty_again && *pretty_again == *value);
}

}  // namespace cotter::fuzz
