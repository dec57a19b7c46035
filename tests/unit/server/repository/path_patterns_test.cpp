#include "server/repository/path_patterns.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/sim/repository_sim.h"

namespace cotter::repository {
namespace {

struct Row {
  const char* one;
  const char* other;
  bool overlap;
  bool covers;  ///< the first the second
};

constexpr Row kRows[] = {
    {"*", "a", true, true},
    {"*", "a/b", false, false},
    {"*/*", "a/b", true, true},
    {"a/*", "*/b", true, false},
    {"a/*", "b/*", false, false},
    {"a*", "*b", true, false},
    {"a*c", "abbbc", true, true},
    {"*.bin", "*.txt", false, false},
    {"*.bin", "fw-*.bin", true, true},
    {"fw-*.bin", "*.bin", true, false},
    {"?", "*", true, false},
    {"?*", "*?", true, true},
    {"*?*?", "??*", true, true},
    {"[a-f]", "[f-k]", true, false},
    {"[a-f]", "[g-k]", false, false},
    {"[a-f]", "[b-c]", true, true},
    {"[!a]", "a", false, false},
    {"[!a]", "b", true, true},
    {"[!a-y]", "[z]", true, true},
    {"?", "[!a]", true, true},
    {"[.-0]", "a[/]b", false, false},  // a slash is in no segment, and in no set
    {"[.-0]", "[!.0]", false, false},  // nor between the ends of a range
    {"[z-a]", "*", false, false},
    {"[a", "[a", true, true},  // not closed: itself
    {"[a", "a", false, false},
    {"", "", true, true},
    {"", "*", true, false},
    {"", "a", false, false},
    {"?", "\xC3\xA9", true, true},
    {"[\xC3\xA0-\xC3\xBF]", "\xC3\xA9", true, true},
    {"a/b/c", "a/*/c", true, false},
    {"*a*a*a*a*a*a*a*a*b", "a*a*a*a*a*a*a*a*a*c", false, false},
};

TEST(PathPatterns, OverlapWhereSomeNameFitsBoth) {
  for (const Row& row : kRows) {
    EXPECT_EQ(patterns_overlap(row.one, row.other), row.overlap) << row.one << " and " << row.other;
    EXPECT_EQ(patterns_overlap(row.other, row.one), row.overlap) << row.other << " and " << row.one;
  }
}

TEST(PathPatterns, CoverWhereEveryNameOfOneFitsTheOther) {
  for (const Row& row : kRows)
    EXPECT_EQ(pattern_covers(row.one, row.other), row.covers) << row.one << " " << row.other;
}

/// All texts of up to six characters; `[` is what is left for `[!ab]`.
std::vector<std::string> texts() {
  std::vector<std::string> all{""};
  for (std::size_t from = 0, length = 0; length < 6; ++length) {
    const std::size_t end = all.size();
    for (; from < end; ++from) {
      for (const char next : {'a', 'b', '[', '/'}) {
        if (std::count(all[from].begin(), all[from].end(), '/') + (next == '/' ? 1 : 0) > 1) continue;
        all.push_back(all[from] + next);
      }
    }
  }
  return all;
}

TEST(PathPatterns, AnswerAsTryingEveryNameDoes) {
  std::mt19937 random(3);
  const std::vector<std::string> elements = {"a",    "b",     "*",     "*",     "?",  "[ab]",
                                             "[!a]", "[!ab]", "[b-a]", "[a-b]", "[a", "/"};
  const std::vector<std::string> all = texts();
  std::vector<std::string> patterns;
  std::vector<std::vector<bool>> fits;
  for (int i = 0; i < 60; ++i) {
    std::string& pattern = patterns.emplace_back();
    for (auto left = random() % 4; left > 0; --left) pattern += elements[random() % elements.size()];
    std::vector<bool>& these = fits.emplace_back();
    for (const std::string& text : all) these.push_back(model::glob_matches(pattern, text));
  }
  for (std::size_t one = 0; one < patterns.size(); ++one) {
    for (std::size_t other = 0; other < patterns.size(); ++other) {
      bool overlap = false, covers = true;
      for (std::size_t text = 0; text < all.size(); ++text) {
        overlap = overlap || (fits[one][text] && fits[other][text]);
        covers = covers && (fits[one][text] || !fits[other][text]);
      }
      EXPECT_EQ(patterns_overlap(patterns[one], patterns[other]), overlap)
          << patterns[one] << " and " << patterns[other];
      if (pattern_covers(patterns[one], patterns[other])) {
        EXPECT_TRUE(covers) << patterns[one] << " over " << patterns[other];
      }
    }
  }
}

TEST(PathPatterns, OfStarsAloneCatchAll) {
  for (const char* broad : {"*", "**", "*/*", "*/*/*"}) EXPECT_TRUE(is_catch_all(broad)) << broad;
  for (const char* narrow : {"", "a/*", "*/a", "*.bin", "?", "/", "*/", "/*"})
    EXPECT_FALSE(is_catch_all(narrow)) << narrow;
}

model::DelegatedRole hashed(std::vector<std::string> prefixes) {
  auto role = sim::delegated("hashed", {});
  role.path_hash_prefixes = std::move(prefixes);
  return role;
}

TEST(PathPatterns, CompareHashPrefixesToo) {
  EXPECT_TRUE(shared_paths(hashed({"3f"}), hashed({"3"})));
  EXPECT_FALSE(shared_paths(hashed({"3f"}), hashed({"3e", "4"})));
  EXPECT_TRUE(shared_paths(hashed({"3f"}), sim::delegated("any", {"*"})));
  const std::string digest = to_hex(crypto::sha256(as_bytes("a.bin")));
  EXPECT_TRUE(shared_paths(hashed({digest.substr(0, 3)}), sim::delegated("one", {"a.bin"})));
  EXPECT_FALSE(
      shared_paths(hashed({digest.substr(0, 1) == "0" ? "1" : "0"}), sim::delegated("one", {"a.bin"})));
  std::vector<std::string> all;
  for (const char digit : std::string("0123456789abcde")) all.emplace_back(1, digit);
  EXPECT_FALSE(covers_every_hash(hashed(all)));
  for (const char digit : std::string("0123456789abcdef")) all.push_back("f" + std::string(1, digit));
  EXPECT_TRUE(covers_every_hash(hashed(all)));
  EXPECT_TRUE(entry_covers(hashed(all), sim::delegated("any", {"*"})));
  EXPECT_TRUE(entry_covers(hashed({"3"}), hashed({"3f", "30"})));
}

TEST(PathPatterns, CompareHardwareBeside) {
  auto any = sim::delegated("any", {"a/*"}), brake = any, door = any;
  brake.any_hardware = door.any_hardware = false;
  brake.hardware_ids = {HardwareId("brake")};
  door.hardware_ids = {HardwareId("door")};
  EXPECT_TRUE(shared_paths(any, brake));
  EXPECT_FALSE(shared_paths(door, brake));
  EXPECT_TRUE(entry_covers(any, brake));
  EXPECT_FALSE(entry_covers(brake, any));
}

}  // namespace
}  // namespace cotter::repository
