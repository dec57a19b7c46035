// One attack as data: a file of tests/scenarios, valid against schemas/scenario.schema.json.
// Never runs anything. Values only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/base/result.h"
#include "common/json/value.h"

namespace cotter::scenario {

/// A cell of the key-compromise matrix: who holds these keys, and what must fail or is known to succeed.
struct MatrixCell {
  std::string row, column;
};

struct Scenario {
  std::string name;              ///< of the file, without ".json"
  std::string why;               ///< what the attacker wants
  std::string must;              ///< what the client must do
  std::vector<std::string> ids;  ///< the requirements and attacks that it replays
  std::string rule;              ///< that the attack breaks; empty: all must end well
  std::string waits_for;         ///< the feature still to come; then there is nothing to play yet
  std::optional<MatrixCell> matrix;
  std::vector<std::string> heights;
  std::vector<std::string> attacker_holds;  ///< "image/timestamp": the keys that the attacker's verbs may use
  std::optional<Attack> looks_like;
  json::Array steps;
  [[nodiscard]] bool waiting() const noexcept { return !waits_for.empty(); }
};

/// Where the scenarios lie in the source tree.
std::filesystem::path source_folder();
/// Every file of the folder, in order of names.
std::vector<std::filesystem::path> all_files(const std::filesystem::path& folder = source_folder());
/// Fault: Usage, of a file that is not valid, by the schema or by what the schema cannot say. The schema is
/// looked for beside the file's folder, in schemas/, and in a source tree one further up; else it is our own.
Result<Scenario> read(const std::filesystem::path& file);
/// read() of one of ours, where a file that is not valid is a broken test: dies with what is wrong.
Scenario load(const std::filesystem::path& file);
/// Every row that the schema knows.
std::vector<std::string> matrix_rows(const std::filesystem::path& folder = source_folder());
/// What the schema has against `text`; nothing when it is valid.
std::optional<std::string> complaint(const std::string& text,
                                     const std::filesystem::path& folder = source_folder());
/// What the schema cannot say: the rule exists and some step meets it, an `expect` ends it, a waiting one has
/// nothing to play.
std::optional<std::string> complaint(const Scenario& scenario);

// Members of a step, whose presence and kind the schema has seen to.
const json::Value& at(const json::Value& object, std::string_view key);
const json::Value* find(const json::Value& object, std::string_view key);
std::string text(const json::Value& object, std::string_view key);
std::string text_or(const json::Value& object, std::string_view key, std::string otherwise);
std::uint64_t number(const json::Value& object, std::string_view key);
std::uint64_t number_or(const json::Value& object, std::string_view key, std::uint64_t otherwise);
bool flag(const json::Value& object, std::string_view key);
std::vector<std::string> texts(const json::Value& array);
/// The verb of a step and what it says.
const json::Member& verb_of(const json::Value& step);

}  // namespace cotter::scenario
