#include "server/app/requirement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/sim/sim_key.h"

namespace cotter::app {
namespace {

/// `least` of the keys "a", "b", …: a letter each.
Requirement keys(const std::string& role, std::uint32_t least, const std::string& letters) {
  Requirement leaf{least, {}, RoleName(role)};
  for (const char letter : letters)
    leaf.keys.push_back({std::string(1, letter), KeyId(std::string(1, letter))});
  return leaf;
}
std::vector<std::string> spelt(const KeySets& sets) {
  std::vector<std::string> all;
  for (const KeySet& set : sets.shortest) {
    std::string letters;
    for (const SigningKey& key : set) letters += key.material;
    std::sort(letters.begin(), letters.end());
    all.push_back(letters);
  }
  return all;
}
std::vector<std::string> sets_of(const Requirement& requirement) {
  return spelt(smallest_sets(requirement, 100));
}
using Spelt = std::vector<std::string>;

TEST(Requirement, OfAThresholdIsMetByEveryChoiceOfSoManyKeys) {
  EXPECT_EQ(sets_of(keys("r", 2, "abc")), (Spelt{"ab", "ac", "bc"}));
}

TEST(Requirement, OfRequiredClassesIsMetByNothingLess) {
  model::KeyRing ring;
  model::RoleKeys role{{}, 1};
  for (const char* label : {"one", "two", "three"}) {
    const crypto::PublicKey key = sim::key(label)->public_key();
    ring.emplace(key.computed_id(), key);
    role.keyids.push_back(key.computed_id());
  }
  role.classes = {model::ClassThresholds::Stage::Prefer, {{crypto::KeyClass::Classical, 2}}, {}};
  EXPECT_EQ(sets_of(Requirement::keys_of(RoleName("r"), role, ring)).front().size(),
            sim::key("one")->public_key().material().size())
      << "a vehicle asks for one key yet";
  role.classes->stage = model::ClassThresholds::Stage::Require;
  const KeySets sets = smallest_sets(Requirement::keys_of(RoleName("r"), role, ring), 100);
  EXPECT_EQ(sets.count, 3U);
  EXPECT_EQ(sets.shortest.front().size(), 2U);
}

TEST(Requirement, ListsShortestSetsFirstAndNoneThatHoldsAnother) {
  const Requirement either =
      Requirement::any_of({keys("r", 2, "abc"), keys("s", 1, "b"), keys("t", 3, "def")});
  EXPECT_EQ(sets_of(either), (Spelt{"b", "ac", "def"}));
}

TEST(Requirement, CountsAKeyOfTwoRolesOnce) {
  EXPECT_EQ(sets_of(Requirement::all_of({keys("r", 1, "ab"), keys("s", 1, "bc")})), (Spelt{"b", "ac"}));
}

TEST(Requirement, LeavesOutWhatIsNoConditionAndWhatNobodyMeets) {
  const Requirement one = keys("r", 1, "a");
  EXPECT_EQ(sets_of(Requirement::all_of({one, Requirement::nothing()})), (Spelt{"a"}));
  EXPECT_EQ(sets_of(Requirement::any_of({one, Requirement::impossible()})), (Spelt{"a"}));
  EXPECT_TRUE(Requirement::all_of({one, Requirement::impossible()}).is_impossible());
  EXPECT_TRUE(Requirement::any_of({one, Requirement::nothing()}).is_nothing());
  EXPECT_TRUE(Requirement::any_of({}).is_impossible());
  EXPECT_TRUE(Requirement::all_of({}).is_nothing());
  EXPECT_TRUE(keys("r", 2, "a").is_impossible());
}

TEST(Requirement, KnowsAKeyByWhatItIsAndNotByItsId) {
  const auto key = sim::key("one")->public_key();
  const model::KeyRing ring{{KeyId("first"), key}, {KeyId("second"), key}};
  const Requirement both =
      Requirement::keys_of(RoleName("r"), {{KeyId("first"), KeyId("second"), KeyId("absent")}, 1}, ring);
  ASSERT_EQ(both.keys.size(), 1U);
  EXPECT_EQ(both.keys.front().id, KeyId("first"));
}

TEST(Requirement, SaysHowManySetsThereAreBesideTheOnesListed) {
  const KeySets some = smallest_sets(keys("r", 5, "abcdefghij"), 3);
  EXPECT_EQ(some.shortest.size(), 3U);
  EXPECT_EQ(some.count, 252U);
  EXPECT_FALSE(some.more);
}

TEST(Requirement, StopsCountingWhereThereAreTooMany) {
  const std::string letters = "abcdefghijklmnopqrstuvwxyz";
  const KeySets many = smallest_sets(keys("r", 13, letters), 3);  // ten million
  EXPECT_EQ(many.shortest.size(), 3U);
  EXPECT_TRUE(many.more);
}

/// Of a few letters, by chance, three levels deep.
Requirement any_requirement(std::mt19937& random, int depth) {
  const auto below = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  if (depth == 0 || below(3) == 0) {
    std::string letters;
    for (const char letter : std::string("abcdef")) {
      if (below(2) == 0) letters += letter;
    }
    return keys("r", 1 + below(3), letters);
  }
  std::vector<Requirement> parts;
  for (std::uint32_t i = below(4); i > 0; --i) parts.push_back(any_requirement(random, depth - 1));
  switch (below(3)) {
    case 0:
      return Requirement::any_of(std::move(parts));
    case 1:
      return Requirement::all_of(std::move(parts));
    default:
      return Requirement::at_least(2, std::move(parts));
  }
}

TEST(Requirement, IsMetByExactlyThoseKeysThatHoldAMinimalSet) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const Requirement requirement = any_requirement(random, 3);
    const Spelt minimal = sets_of(requirement);
    for (std::uint32_t choice = 0; choice < 64; ++choice) {
      std::set<std::string> held;
      std::string letters;
      for (std::uint32_t bit = 0; bit < 6; ++bit) {
        if ((choice >> bit & 1U) == 0) continue;
        letters += static_cast<char>('a' + bit);
        held.insert(std::string(1, letters.back()));
      }
      const bool holds_one = std::any_of(minimal.begin(), minimal.end(), [&](const std::string& set) {
        return std::includes(letters.begin(), letters.end(), set.begin(), set.end());
      });
      ASSERT_EQ(holds_one, requirement.met_by(held)) << "round " << round << ", keys " << letters;
    }
  }
}

}  // namespace
}  // namespace cotter::app
