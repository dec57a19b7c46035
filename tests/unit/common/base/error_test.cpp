#include "common/base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/result.h"

namespace cotter {
namespace {

Error refused(std::string expected, std::string got) {
  return refuse(RuleId::TimestampOlderThanTrusted, std::move(expected), std::move(got)).error();
}

TEST(Rules, HaveNamesOfTheirOwnThatLeadBackToThem) {
  std::set<std::string_view> names;
  for (const Rule& rule : all_rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_EQ(rule_named(rule.name), rule.id) << rule.name;
    EXPECT_FALSE(rule.uptane.empty()) << rule.name;
  }
  EXPECT_EQ(rule_named("no-such-rule"), std::nullopt);
}

TEST(Attacks, AreFoundByTheirNames) {
  for (const Rule& rule : all_rules()) EXPECT_EQ(attack_named(name_of(rule.attack)), rule.attack);
  EXPECT_EQ(attack_named("no-such-attack"), std::nullopt);
}

TEST(Refusal, NamesFileRuleAndBothSides) {  // VER-ERR
  const Error error = located(refused("version 7 or later", "version 5"), Repository::Image, "timestamp");
  EXPECT_EQ(summary(error),
            "image/timestamp: timestamp-older-than-trusted: expected version 7 or later, got version 5");
  const std::string story = explain(error);
  EXPECT_NE(story.find("looks like  rollback attack"), std::string::npos) << story;
  EXPECT_NE(story.find("or simply   a mirror serving an old copy"), std::string::npos) << story;
}

TEST(Refusal, KeepsThePlaceItHasAlready) {
  const Error error =
      located(located(refused("", ""), Repository::Director, "targets"), Repository::Image, "snapshot");
  EXPECT_EQ(rejection_in(error)->repository, Repository::Director);
  EXPECT_EQ(rejection_in(error)->role, "targets");
}

// Quoted bytes are hostile: a terminal's escapes, a second line for the log, half a character.
TEST(Refusal, QuotesPrintableTextOnly) {
  const Error error = refused("a\nb", "\x1b[31m\xc3\x7f ~");
  EXPECT_EQ(rejection_in(error)->expected, "a?b");
  EXPECT_EQ(rejection_in(error)->got, "?[31m?? ~");
}

TEST(Fault, SaysItsDetail) {
  const Result<int> result = fault(Fault::Kind::NotFound, "3.root.json is not there");
  EXPECT_TRUE(is_fault(result.error(), Fault::Kind::NotFound));
  EXPECT_FALSE(is_fault(result.error(), Fault::Kind::Network));
  EXPECT_EQ(explain(result.error()), "3.root.json is not there");
}

}  // namespace
}  // namespace cotter
