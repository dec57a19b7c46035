// docs/conformance.md is written from tests/conformance/requirements.txt and from the ids that tests bear:
// this test holds the three together, and leaves the right page beside the build.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "common/json/strict_reader.h"

namespace {

namespace fs = std::filesystem;

const fs::path kTests = COTTER_TEST_DATA;

// --- the list of requirements -----------------------------------------------------------------------------

struct Requirement {
  std::string section, id, strength, words;
  std::string state, reason;  ///< both empty: tests prove it
};

constexpr std::array kStates = {"in the making", "partly", "later", "not ours"};
constexpr std::array kStrengths = {"SHALL", "SHOULD", "MAY", "T-MUST", "T-MAY", "DBP", "DEC"};

bool is_among(const std::string& word, const auto& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<Requirement> read_requirements(std::istream&& in) {
  std::vector<Requirement> all;
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("== ")) {
      section = line.substr(3);
    } else if (line.starts_with("  ")) {
      const auto colon = line.find(": ");
      const bool in_place = colon != std::string::npos && !all.empty() && all.back().state.empty();
      EXPECT_TRUE(in_place) << "a state is one line below its id, \"  later: why\": " << line;
      if (!in_place) continue;
      all.back().state = line.substr(2, colon - 2);
      all.back().reason = line.substr(colon + 2);
      EXPECT_TRUE(is_among(all.back().state, kStates)) << "no such state: " << line;
    } else {
      Requirement next{section, {}, {}, {}, {}, {}};
      std::istringstream words(line);
      std::getline(words >> next.id >> next.strength >> std::ws, next.words);
      EXPECT_TRUE(is_among(next.strength, kStrengths)) << "no such strength: " << line;
      EXPECT_FALSE(next.words.empty()) << line;
      all.push_back(std::move(next));
    }
  }
  return all;
}

std::vector<Requirement> requirements() {
  std::ifstream in(kTests / "conformance" / "requirements.txt");
  EXPECT_TRUE(in);
  return read_requirements(std::move(in));
}

// --- the ids that tests bear ------------------------------------------------------------------------------

using Bearers = std::map<std::string, std::vector<std::string>>;  ///< by id, in order of files and lines

void bear(Bearers& bearers, const std::string& text, const std::string& test) {
  static const std::regex id(
      R"(\b(FMT|IMG|DIR|VER|PRI|INS|FVS|PVS|TIM)-([0-9]+b?|T|LIM|TIME|ATOM|REC|ERR)\b)");
  for (std::sregex_iterator at(text.begin(), text.end(), id), end; at != end; ++at) {
    auto& tests = bearers[at->str()];
    if (!is_among(test, tests)) tests.push_back(test);
  }
}

/// A line in two: code, and what stands behind "//" outside of strings.
std::pair<std::string, std::string> split_comment(const std::string& line) {
  for (auto at = line.find("//"); at != std::string::npos; at = line.find("//", at + 1)) {
    if (std::count(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(at), '"') % 2 != 0) continue;
    const auto end = line.find_last_not_of(' ', at == 0 ? std::string::npos : at - 1);
    return {at == 0 || end == std::string::npos ? "" : line.substr(0, end + 1), line.substr(at)};
  }
  return {line, ""};
}

/// A comment's ids belong to the test that it stands directly above, or within.
void scan(std::istream&& in, Bearers& bearers) {
  static const std::regex head(R"(^TEST(_F|_P)?\((\w+), *(\w+)\))");
  std::string above, begun, test;
  for (std::string line; std::getline(in, line);) {
    const auto [code, comment] = split_comment(line);
    if (test.empty() && begun.empty() && code.empty() && !comment.empty()) {
      above += comment + "\n";
      continue;
    }
    if (test.empty()) {
      if (!begun.empty() || code.starts_with("TEST")) begun += code;
      std::smatch names;
      if (std::regex_search(begun, names, head)) {
        test = names[2].str() + "." + names[3].str();
        bear(bearers, above, test);
      }
      if (begun.empty() || !test.empty()) above.clear();
    }
    if (test.empty()) continue;
    bear(bearers, comment, test);
    const bool one_liner = !begun.empty() && code.ends_with("}");
    begun.clear();
    if (one_liner || line.starts_with("}")) test.clear();
  }
}

std::vector<fs::path> files_below(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Bearers all_bearers() {
  Bearers bearers;
  for (const fs::path& file : files_below(kTests, ".cpp")) {
    if (file.filename() != "conformance_test.cpp") scan(std::ifstream(file), bearers);
  }
  for (const fs::path& file : files_below(kTests / "scenarios", ".json")) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    const auto scenario = cotter::json::read(cotter::as_bytes(text.str()));
    const auto* ids =
        scenario && scenario->as_object() != nullptr ? scenario->as_object()->find("ids") : nullptr;
    const bool plays = ids != nullptr && scenario->as_object()->find("waits_for") == nullptr;
    if (!plays) continue;
    for (const auto& id : *ids->as_array()) bear(bearers, *id.as_string(), file.filename());
  }
  return bearers;
}

// --- the page ---------------------------------------------------------------------------------------------

std::string state_of(const Requirement& each) {
  return each.state.empty() ? "tested" : each.state + ": " + each.reason;
}

std::string tests_cell(const std::vector<std::string>& tests) {
  constexpr std::size_t kShown = 3;
  std::string cell;
  for (std::size_t i = 0; i < std::min(tests.size(), kShown); ++i) {
    cell += (i == 0 ? "`" : ", `") + tests[i] + "`";
  }
  if (tests.size() > kShown) cell += " and " + std::to_string(tests.size() - kShown) + " more";
  return cell;
}

std::string conformance_page(const std::vector<Requirement>& all, const Bearers& bearers) {
  std::map<std::string, int> counts;
  for (const Requirement& each : all) ++counts[each.state];
  std::string text =
      "# Conformance\n\n"
      "What the Uptane Standard 2.1.0 (SHALL, SHOULD, MAY), the TUF specification 1.0.34 (T-), Uptane's "
      "deployment\n"
      "practice (DBP) and our own decisions (DEC) ask of Cotter, and the tests that prove it: a name with a "
      "dot is a\n"
      "GoogleTest case, one that ends in `.json` a file of `tests/scenarios/`. Written from\n"
      "`tests/conformance/requirements.txt` and from the ids that tests bear.\n\n" +
      std::to_string(all.size()) + " requirements: " + std::to_string(counts[""]) + " tested, " +
      std::to_string(counts["partly"]) + " partly, " + std::to_string(counts["in the making"]) +
      " in the making, " + std::to_string(counts["later"]) + " for later, " +
      std::to_string(counts["not ours"]) + " not ours.\n";
  std::string section;
  for (const Requirement& each : all) {
    if (each.section != section) {
      section = each.section;
      text += "\n## " + section +
              "\n\n| id | asked as | requirement | tests | state |\n| --- | --- | --- | --- | --- |\n";
    }
    const auto tests = bearers.find(each.id);
    const std::string cell = tests == bearers.end() ? "" : tests_cell(tests->second) + " ";
    text += "| " + each.id + " | " + each.strength + " | " + each.words + " | " + cell + "| " +
            state_of(each) + " |\n";
  }
  return text;
}

TEST(Conformance, EveryRequirementIsProvedByATestOrSaysWhyNot) {
  const Bearers bearers = all_bearers();
  std::map<std::string, int> listed;
  for (const Requirement& each : requirements()) {
    EXPECT_EQ(++listed[each.id], 1) << each.id << " is listed twice";
    const bool borne = bearers.contains(each.id);
    if (each.state.empty() || each.state == "partly") {
      EXPECT_TRUE(borne) << each.id << ": no test bears it; write one, or say why not in "
                         << "tests/conformance/requirements.txt";
    } else if (each.state != "in the making") {
      EXPECT_FALSE(borne) << each.id << " is said to be \"" << each.state << "\", and "
                          << (borne ? bearers.at(each.id).front() : "") << " bears it";
    }
  }
  EXPECT_EQ(listed.size(), 221U) << "an id was added or lost: say so here too";
  for (const auto& [id, tests] : bearers) {
    EXPECT_TRUE(listed.contains(id)) << tests.front() << " bears " << id << ", which no requirement has";
  }
}

TEST(Conformance, PageSaysWhatTestsBear) {
  const std::string right = conformance_page(requirements(), all_bearers());
  std::ofstream("conformance.md") << right;
  std::ostringstream now;
  now << std::ifstream(kTests.parent_path() / "docs" / "conformance.md").rdbuf();
  EXPECT_TRUE(now.str() == right)
      << "docs/conformance.md is behind: cp build/tests/conformance.md docs/conformance.md";
}

TEST(Conformance, IdsBelongToTheTestBelowOrAroundThem) {
  Bearers bearers;
  scan(std::istringstream(R"(// of the file: FMT-1
#include "x"

// FMT-2, and a range
// of two lines: FMT-3
TEST(One, Liner) { EXPECT_TRUE(true); }
TEST(One, Line) { EXPECT_EQ("http://FMT-4", ""); }  // FMT-5

// of a helper: FMT-6
int helper();
TEST_F(Wide,
       Apart) {  // VER-T
  int x = 0;  // INS-3.5
  // INS-2b
  }  // an inner brace
  x = 1;  // VER-T
}
// FMT-7, of nothing
)"),
       bearers);
  const Bearers expected = {{"FMT-2", {"One.Liner"}},  {"FMT-3", {"One.Liner"}},  {"FMT-5", {"One.Line"}},
                            {"VER-T", {"Wide.Apart"}}, {"INS-3", {"Wide.Apart"}}, {"INS-2b", {"Wide.Apart"}}};
  EXPECT_EQ(bearers, expected);
}

}  // namespace
