// Habits that no compiler and no clang-tidy check holds us to.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "tests/unit/source_tree.h"

namespace {

namespace fs = std::filesystem;
using cotter::test::kRoot;

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const char* folder : {"common", "client", "server", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const std::string ending = entry.path().extension();
      if (ending == ".h" || ending == ".cpp") files.push_back(entry.path());
    }
  }
  return files;
}

std::string content(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// 1 for the first line.
std::ptrdiff_t line_of(const std::string& text, std::ptrdiff_t position) {
  return 1 + std::count(text.begin(), text.begin() + position, '\n');
}

void expect_nowhere(const std::regex& pattern) {
  for (const fs::path& file : sources()) {
    const std::string text = content(file);
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
      ADD_FAILURE() << file.lexically_relative(kRoot).string() << ":" << line_of(text, match->position());
    }
  }
}

TEST(Habits, TryDoesNotReturnFromWithinAnInitialisersBraces) {
  // A return from there leaks the members that were built before it (found by fuzzing the frames,
  // docs/mistakes.md).
  expect_nowhere(std::regex(R"([\w>(,= ]\{[^\s;{}][^;{}]*\bTRY\()"));
}

TEST(Habits, TryDoesNotReturnFromWithinANewExpression) {
  // What was allocated before the arguments were looked at would leak (found by clang-tidy).
  expect_nowhere(std::regex(R"(\bnew [\w:<>]+[({][^;]*\bTRY\()"));
}

TEST(Habits, NoFileIncludesASourceFile) {
  // clang-tidy's own check of it is off, since it reads source files together.
  expect_nowhere(std::regex(R"re(#\s*include\s*["<][^">\n]*\.cpp[">])re"));
}

TEST(Habits, NoCoAwaitStandsWithinACondition) {
  // g++ 12 makes a trap of it (docs/mistakes.md).
  expect_nowhere(std::regex(R"(\b(if|while|for) \((!|[^()\n]*(&&|\|\|) !?)?co_await )"));
}

}  // namespace
