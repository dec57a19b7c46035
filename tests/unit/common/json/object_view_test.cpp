#include "common/json/object_view.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"

namespace cotter::json {
namespace {

using test::verdict;

const Value& sample() {
  static const Value value = Object{{"text", "x"},       {"number", 7},
                                    {"negative", -1},    {"truth", true},
                                    {"hex", "00fF"},     {"expires", "2027-01-31T00:00:00Z"},
                                    {"list", Array{1}},  {"child", Object{{"n", "text"}}},
                                    {"nothing", nullptr}};
  return value;
}

ObjectView view() { return ObjectView::of(sample(), "signed").value(); }

TEST(ObjectView, ReadsEachKind) {
  EXPECT_EQ(view().string("text").value(), "x");
  EXPECT_EQ(view().integer("number").value(), 7U);
  EXPECT_TRUE(view().boolean("truth").value());
  EXPECT_EQ(view().hex("hex").value(), (Bytes{0x00, 0xff}));
  EXPECT_EQ(format_utc(view().time("expires").value()), "2027-01-31T00:00:00Z");
  EXPECT_EQ(view().array("list").value()->size(), 1U);
  EXPECT_EQ(view().object("child").value().string("n").value(), "text");
  EXPECT_TRUE(view().value("nothing").value()->is_null());
}

// FMT-2
TEST(ObjectView, RefusesMissingMembers) {
  EXPECT_EQ(verdict(view().value("absent")), "member-missing");
  EXPECT_EQ(verdict(view().string("absent")), "member-missing");
  EXPECT_EQ(verdict(view().integer("absent")), "member-missing");
  EXPECT_EQ(verdict(view().boolean("absent")), "member-missing");
  EXPECT_EQ(verdict(view().time("absent")), "member-missing");
  EXPECT_EQ(verdict(view().hex("absent")), "member-missing");
  EXPECT_EQ(verdict(view().array("absent")), "member-missing");
  EXPECT_EQ(verdict(view().object("absent")), "member-missing");
}

TEST(ObjectView, RefusesMembersOfAnotherKind) {
  EXPECT_EQ(verdict(view().string("number")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().integer("text")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().integer("negative")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().boolean("number")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().time("number")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().hex("text")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().array("child")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().object("list")), "member-wrong-kind");
  EXPECT_EQ(verdict(view().string("nothing")), "member-wrong-kind");
  EXPECT_EQ(verdict(ObjectView::of(Array{}, "signed")), "member-wrong-kind");
}

TEST(ObjectView, RefusesMalformedDates) { EXPECT_EQ(verdict(view().time("text")), "date-malformed"); }

TEST(ObjectView, NamesTheMemberByItsWholePath) {
  const auto number = view().object("child").value().integer("n");
  ASSERT_FALSE(number);
  EXPECT_NE(summary(number.error()).find("signed.child.n"), std::string::npos) << summary(number.error());
}

TEST(ObjectView, FindsOptionalMembers) {
  EXPECT_NE(view().find("text"), nullptr);
  EXPECT_EQ(view().find("absent"), nullptr);
  EXPECT_EQ(view().members().size(), 9U);
}

TEST(ElementOf, ReadsOneValue) {
  EXPECT_EQ(string_of("x", "keyids[0]").value(), "x");
  EXPECT_EQ(integer_of(3, "versions[0]").value(), 3U);
  EXPECT_EQ(verdict(string_of(3, "keyids[0]")), "member-wrong-kind");
  EXPECT_EQ(verdict(integer_of(-3, "versions[0]")), "member-wrong-kind");
}

}  // namespace
}  // namespace cotter::json
