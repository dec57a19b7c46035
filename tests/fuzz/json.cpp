// The strict reader and both writers: what is read, written and read again is equal; canonical form agrees
// with a second, naive writer, and what is read with RapidJSON's own documents.
#include <rapidjson/document.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

/// Canonical JSON as a child would write it from the definition (FMT-25): slow, and short enough to be seen
/// to be right.
std::string naive(const json::Value& value) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  };
  if (const auto flag = value.as_bool()) return *flag ? "true" : "false";
  if (const auto number = value.as_int()) return std::to_string(*number);
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

/// The same document as RapidJSON's own reader of whole documents understands it.
bool agrees(const json::Value& ours, const rapidjson::Value& theirs) {
  if (const auto flag = ours.as_bool()) return theirs.IsBool() && theirs.GetBool() == *flag;
  if (const auto number = ours.as_int()) return theirs.IsInt64() && theirs.GetInt64() == *number;
  if (const auto* text = ours.as_string()) {
    return theirs.IsString() &&
           text->view() == std::string_view(theirs.GetString(), theirs.GetStringLength());
  }
  if (const auto* array = ours.as_array()) {
    const auto same = [](const json::Value& a, const rapidjson::Value& b) { return agrees(a, b); };
    return theirs.IsArray() && std::equal(array->begin(), array->end(), theirs.Begin(), theirs.End(), same);
  }
  if (const auto* object = ours.as_object()) {
    if (!theirs.IsObject() || theirs.MemberCount() != object->size()) return false;
    return std::all_of(theirs.MemberBegin(), theirs.MemberEnd(), [&](const auto& member) {
      const json::Value* found = object->find({member.name.GetString(), member.name.GetStringLength()});
      return found != nullptr && agrees(*found, member.value);
    });
  }
  return theirs.IsNull();
}

void compare_with_rapidjson(const json::Value& value, ByteView input) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(as_text(input).data(), input.size());
  COTTER_ASSERT(!document.HasParseError() && agrees(value, document));
}

/// A value can be copied, changed in its copy, and compared: the copy shares nothing with it.
void change_copies(const json::Value& value) {
  json::Value copy = value;
  COTTER_ASSERT(copy == value);
  if (json::Array* array = copy.as_array()) {
    array->push_back(array->empty() ? json::Value(1) : array->front());
    if (array->size() > 2) array->erase(array->begin() + 1);
    array->emplace_back(json::Value(value));
    COTTER_ASSERT(copy != value && array->back() == value);
  } else if (json::Object* object = copy.as_object()) {
    const bool had = object->find("a") != nullptr;
    object->set("a", value);
    COTTER_ASSERT(*object->find("a") == value && object->size() == value.as_object()->size() + (had ? 0 : 1));
    object->erase("a");
    COTTER_ASSERT(object->find("a") == nullptr && (had || copy == value));
  }
  const json::Value moved = std::move(copy);
  copy = moved;  // NOLINT(bugprone-use-after-move): given a new content
  COTTER_ASSERT(copy == moved);
}

}  // namespace

void one(ByteView input) {
  const auto value = json::read(input);
  if (!value) return;
  compare_with_rapidjson(*value, input);
  change_copies(*value);
  const std::string form = naive(*value);
  COTTER_ASSERT(as_text(json::canonical(*value)) == form);
  COTTER_ASSERT(json::canonical_length_in(*value, form) == form.size());
  COTTER_ASSERT((json::canonical_length_in(*value, as_text(input)) == form.size()) ==
                as_text(input).starts_with(form));
  const auto seen = json::read_and_look(std::string(as_text(input)));
  COTTER_ASSERT(seen && seen->value == *value && (!seen->is_canonical || as_text(input) == form));
  const std::string text = json::to_text(*value);
  const auto again = json::read(as_bytes(text));
  COTTER_ASSERT(again && *again == *value);
  const std::string pretty = json::to_pretty_text(*value);
  const auto pretty_again = json::read(as_bytes(pretty));
  COTTER_ASSERT(pretty_again && *pretty_again == *value);
}

}  // namespace cotter::fuzz
