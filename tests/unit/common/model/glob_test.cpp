#include <gtest/gtest.h>

#include "common/model/roles.h"

namespace cotter::model {
namespace {

struct GlobRow {
  const char* pattern;
  const char* path;
  bool matches;
};

// FMT-74; python-tuf's matcher (fnmatch, segment by segment) gives the same answers.
constexpr GlobRow kRows[] = {
    // Literal
    {"a", "a", true},
    {"a", "b", false},
    {"a", "A", false},
    {"a", "ab", false},
    {"ab", "a", false},
    {"a.bin", "aXbin", false},
    {"a+(b)|c", "a+(b)|c", true},
    {"", "a", false},
    {"a", "", false},
    {"", "", true},
    {"/", "a", false},
    {"a\\*", "a*", false},
    {"a\\*", "a\\b", true},
    // Stars
    {"*", "a", true},
    {"*", "", true},
    {"*", ".hidden", true},
    {"*", "a/b", false},
    {"**", "a/b", false},
    {"*/*", "a/b", true},
    {"*/*", "a", false},
    {"*/*", "a/b/c", false},
    {"a/*", "a/b.bin", true},
    {"a/*", "a/", true},
    {"a/*", "ab/c", false},
    {"*.bin", "x.bin", true},
    {"*.bin", "x.bin.txt", false},
    {"a*b*c", "aXbYc", true},
    {"a*b*c", "abcbc", true},
    {"a*b*c", "acb", false},
    {"*a*a*a*a*b", "aaaaaaaaaaaaaaaa", false},
    {"**a**", "bab", true},
    // Question marks
    {"?", "a", true},
    {"?", "", false},
    {"?", "ab", false},
    {"a?b", "a/b", false},
    {"???", "abc", true},
    {"*?", "a", true},
    {"*?", "", false},
    // Sets
    {"[abc]", "b", true},
    {"[abc]", "d", false},
    {"[a-c]x", "bx", true},
    {"[a-c]", "-", false},
    {"[a-]", "-", true},
    {"[-a]", "-", true},
    {"[c-a]", "b", false},
    {"[!a]", "b", true},
    {"[!a]", "a", false},
    {"[!a-c]", "d", true},
    {"[]a]", "]", true},
    {"[]a]", "a", true},
    {"[!]a]", "]", false},
    {"[!]a]", "b", true},
    {"[^a]", "^", true},
    {"[^a]", "b", false},
    {"[*]", "*", true},
    {"[*]", "a", false},
    {"[a/b]", "a", false},
    {"x[a/b]y", "x[a/b]y", true},
    {"[!/]x", "[!/]x", true},
    {"[!/]x", "ax", false},
    {"*[0-9].bin", "mk2-7.bin", true},
    // A bracket that nothing closes is a bracket.
    {"[", "[", true},
    {"[a", "[a", true},
    {"[a", "a", false},
    {"[]", "[]", true},
    {"[!]", "[!]", true},
    {"a]", "a]", true},
    // One character is one code point.
    {"?", "\xC3\xBC", true},
    {"??", "\xC3\xBC", false},
    {"?", "\xF0\x9F\x9A\x97", true},
    {"[\xC3\xA0-\xC3\xBF]", "\xC3\xBC", true},
    {"[\xC3\xA0-\xC3\xBF]", "\xC3\x9F", false},
    {"[!a]", "\xC3\xBC", true},
    {"gr\xC3\xBC*", "gr\xC3\xBCn", true},
    // NFC and NFD are different names (ATK-41).
    {"\xC3\xBC", "u\xCC\x88", false},
};

TEST(Glob, MatchesAsTheTableSays) {  // FMT-74
  for (const GlobRow& row : kRows) {
    EXPECT_EQ(glob_matches(row.pattern, row.path), row.matches) << row.pattern << " against " << row.path;
  }
}

// ATK-24: a pattern is hostile input too.
TEST(Glob, GivesUpInGoodTime) {
  std::string pattern;
  for (int i = 0; i < 5000; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", std::string(5000, 'a')));
}

TEST(Glob, SurvivesTextThatIsNoUtf8) {
  EXPECT_TRUE(glob_matches("*", "\xFF\xBF\xBF\xBF\xBF"));
  EXPECT_FALSE(glob_matches("[\xC3", "\xC3"));
  EXPECT_FALSE(glob_matches("?", "a\xFF"));
}

}  // namespace
}  // namespace cotter::model
