#include "tests/scenarios/runner/scenario.h"

#include <rapidjson/document.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "common/json/strict_reader.h"

namespace cotter::scenario {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  COTTER_ASSERT(stream.good());
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Beside the folder as installed, or as in a source tree; of a folder that somebody made, our own.
fs::path schema_of(const fs::path& folder) {
  constexpr const char* kName = "schemas/scenario.schema.json";
  std::error_code gone;
  const fs::path program = fs::read_symlink("/proc/self/exe", gone);
  for (const fs::path& place : {folder / "..", folder / "../..", program.parent_path() / "../share/cotter"}) {
    if (fs::exists(place / kName, gone)) return place / kName;
  }
  return source_folder() / "../.." / kName;
}

/// One folder a process: its schema is read once.
const rapidjson::SchemaDocument& schema(const fs::path& folder) {
  static const rapidjson::SchemaDocument compiled = [&] {
    rapidjson::Document document;
    document.Parse(content_of(schema_of(folder)).c_str());
    COTTER_ASSERT(!document.HasParseError());
    return rapidjson::SchemaDocument(document);
  }();
  return compiled;
}

/// Whether some step of the scenario is refused by its rule.
bool meets_rule(const json::Value& value, const std::string& rule) {
  if (const auto* object = value.as_object()) {
    if (const json::Value* rejected = object->find("reject")) return *rejected == json::Value(rule);
    return std::ranges::any_of(*object, [&](const auto& member) { return meets_rule(member.value, rule); });
  }
  const auto* array = value.as_array();
  return array != nullptr &&
         std::ranges::any_of(*array, [&](const auto& element) { return meets_rule(element, rule); });
}

}  // namespace

fs::path source_folder() { return COTTER_TEST_DATA "/scenarios"; }

std::vector<fs::path> all_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<std::string> matrix_rows(const fs::path& folder) {
  const std::string source = content_of(schema_of(folder));
  const auto document = json::read(as_bytes(source));
  COTTER_ASSERT(document);
  const json::Value& matrix = at(at(*document, "properties"), "matrix");
  return texts(at(at(at(matrix, "properties"), "row"), "enum"));
}

std::optional<std::string> complaint(const std::string& text, const fs::path& folder) {
  rapidjson::Document document;
  document.Parse(text.c_str());
  if (document.HasParseError()) return "no JSON, at byte " + std::to_string(document.GetErrorOffset());
  rapidjson::SchemaValidator validator(schema(folder));
  if (document.Accept(validator)) return std::nullopt;
  rapidjson::StringBuffer where;
  validator.GetInvalidDocumentPointer().StringifyUriFragment(where);
  return std::string(where.GetString()) + " breaks the schema's \"" + validator.GetInvalidSchemaKeyword() +
         "\"";
}

std::optional<std::string> complaint(const Scenario& scenario) {
  if (scenario.waiting()) {
    const bool plays = !scenario.steps.empty() || !scenario.heights.empty() || !scenario.rule.empty();
    return plays ? std::optional<std::string>("waits, and plays all the same") : std::nullopt;
  }
  if (!scenario.rule.empty()) {
    if (!rule_named(scenario.rule)) return "no such rule: " + scenario.rule;
    if (!meets_rule(json::Value(scenario.steps), scenario.rule)) return "no step is refused by its rule";
  }
  if (scenario.steps.empty() || verb_of(scenario.steps.back()).key != "expect")
    return "does not end with expect";
  return std::nullopt;
}

Scenario load(const fs::path& file) {
  auto scenario = read(file);
  if (!scenario) std::fprintf(stderr, "%s\n", summary(scenario.error()).c_str());
  COTTER_ASSERT(scenario);
  return std::move(*scenario);
}

Result<Scenario> read(const fs::path& file) {
  const auto wrong_with = [&](const std::string& what) {
    return fault(Fault::Kind::Usage, file.string() + ": " + what, "the form is that of scenario.schema.json");
  };
  const std::string source = content_of(file);
  if (const auto wrong = complaint(source, file.parent_path())) return wrong_with(*wrong);
  const auto document = json::read(as_bytes(source));
  if (!document) return wrong_with(summary(document.error()));
  Scenario scenario;
  scenario.name = file.stem();
  scenario.why = text(*document, "why");
  scenario.must = text(*document, "must");
  scenario.ids = texts(at(*document, "ids"));
  scenario.rule = text_or(*document, "rule", "");
  scenario.waits_for = text_or(*document, "waits_for", "");
  if (const auto* heights = find(*document, "heights")) scenario.heights = texts(*heights);
  if (const auto* cell = find(*document, "matrix")) {
    scenario.matrix = MatrixCell{text(*cell, "row"), text(*cell, "column")};
  }
  if (const auto* holds = find(*document, "attacker_holds")) scenario.attacker_holds = texts(*holds);
  if (const auto* attack = find(*document, "looks_like"))
    scenario.looks_like = attack_named(*attack->as_string());
  if (const auto* steps = find(*document, "steps")) scenario.steps = *steps->as_array();
  if (const auto wrong = complaint(scenario)) return wrong_with(*wrong);
  return scenario;
}

const json::Value* find(const json::Value& object, std::string_view key) {
  COTTER_ASSERT(object.as_object() != nullptr);
  return object.as_object()->find(key);
}

const json::Value& at(const json::Value& object, std::string_view key) {
  const json::Value* found = find(object, key);
  COTTER_ASSERT(found != nullptr);
  return *found;
}

std::string text(const json::Value& object, std::string_view key) { return *at(object, key).as_string(); }

std::string text_or(const json::Value& object, std::string_view key, std::string otherwise) {
  return find(object, key) != nullptr ? text(object, key) : std::move(otherwise);
}

std::uint64_t number(const json::Value& object, std::string_view key) {
  return static_cast<std::uint64_t>(*at(object, key).as_int());
}

std::uint64_t number_or(const json::Value& object, std::string_view key, std::uint64_t otherwise) {
  return find(object, key) != nullptr ? number(object, key) : otherwise;
}

bool flag(const json::Value& object, std::string_view key) {
  const json::Value* found = find(object, key);
  return found != nullptr && *found->as_bool();
}

std::vector<std::string> texts(const json::Value& array) {
  std::vector<std::string> result;
  for (const json::Value& element : *array.as_array()) result.push_back(*element.as_string());
  return result;
}

const json::Member& verb_of(const json::Value& step) { return *step.as_object()->begin(); }

}  // namespace cotter::scenario
