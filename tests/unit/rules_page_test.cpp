// docs/rules.md is written from rules.def: this test holds the two together, and leaves the right page beside
// the build.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "common/base/error.h"

namespace {

std::string cell(std::string_view text) { return " " + std::string(text) + " |"; }

std::string rules_page() {
  std::string text =
      "# Rules\n\n"
      "Every check of the verification core, in the order of `common/trust/rules.def`, from which this page "
      "is written. "
      "A refusal\nnames its rule; the attack is what it *looks like*, beside the innocent cause that is more "
      "often behind "
      "it.\n\n"
      "| rule | looks like | asked for by Uptane, or here | TUF | innocent cause |\n"
      "| --- | --- | --- | --- | --- |\n";
  for (const cotter::Rule& rule : cotter::all_rules()) {
    text += "|" + cell("`" + std::string(rule.name) + "`") + cell(cotter::name_of(rule.attack)) +
            cell(rule.uptane) + cell(rule.tuf) + cell(rule.innocent) + "\n";
  }
  return text;
}

TEST(RulesPage, SaysWhatRulesDefSays) {
  const std::string right = rules_page();
  std::ofstream("rules.md") << right;
  std::ostringstream now;
  now << std::ifstream(COTTER_TEST_DATA "/../docs/rules.md").rdbuf();
  EXPECT_TRUE(now.str() == right)
      << "docs/rules.md is behind rules.def: cp build/tests/rules.md docs/rules.md";
}

}  // namespace
