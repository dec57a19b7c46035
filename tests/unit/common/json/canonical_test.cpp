#include "common/json/canonical.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/unit/common/vectors.h"

namespace cotter::json {
namespace {

using namespace std::string_literals;

std::string canonical_text(const Value& value) { return std::string(as_text(canonical(value))); }

// FMT-25, FMT-26: the same bytes as securesystemslib.
TEST(Canonical, AgreesWithSecuresystemslib) {
  const Array cases = test::cases_of("canonical.json");
  EXPECT_GE(cases.size(), 24U);
  for (const Value& each : cases) {
    const Result<Value> value = read(as_bytes(test::text_in(each, "json")));
    ASSERT_TRUE(value) << test::text_in(each, "name") << ": " << summary(value.error());
    EXPECT_EQ(to_hex(canonical(*value)), test::text_in(each, "canonical")) << test::text_in(each, "name");
  }
}

TEST(Canonical, EscapesQuotesAndBackslashesOnly) {  // FMT-25
  EXPECT_EQ(canonical_text("a\"b\\c/d\n\0\x1f\x7f\u00e9"s), "\"a\\\"b\\\\c/d\n\0\x1f\x7f\u00e9\""s);
  EXPECT_EQ(canonical_text(Object{{"\"", 1}}), "{\"\\\"\":1}");
}

TEST(Canonical, IsTheSameForEveryOrderOfMembers) {  // FMT-25
  EXPECT_EQ(canonical(Object{{"b", 1}, {"a", 2}, {"\u00e9", 3}}),
            canonical(Object{{"\u00e9", 3}, {"a", 2}, {"b", 1}}));
}

TEST(Canonical, WritesTheWholeRangeOfIntegers) {
  EXPECT_EQ(canonical_text(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(canonical_text(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
}

// Eight bytes at a time are looked at: the two that are escaped may stand at any place.
TEST(Canonical, EscapesAtEveryPlace) {  // FMT-25
  for (const char special : {'"', '\\'}) {
    for (std::size_t at = 0; at <= 20; ++at) {
      const std::string before(at, 'a'), after = "\x01\xff\x80";
      EXPECT_EQ(canonical_text(before + special + after), '"' + before + '\\' + special + after + '"') << at;
    }
  }
}

TEST(CanonicalLengthIn, IsThatOfTheFormThatATextBeginsWith) {
  const Value value = Object{{"a", Array{1, "quote \" and \\", nullptr, true}}, {"longer key", Object{}}};
  const std::string form = canonical_text(value);
  EXPECT_EQ(canonical_length_in(value, form), form.size());
  EXPECT_EQ(canonical_length_in(value, form + "}"), form.size());
  EXPECT_EQ(canonical_length_in(12, "123"), 2U);
}

TEST(CanonicalLengthIn, IsNothingWhereTheTextHasAnotherForm) {
  const Value value = Object{{"a", Array{1, "quote \" and \\", nullptr, true}}, {"longer key", Object{}}};
  const std::string form = canonical_text(value);
  for (std::size_t at = 0; at < form.size(); ++at) {
    EXPECT_FALSE(canonical_length_in(value, form.substr(0, at))) << at;
    std::string other = form;
    other[at] ^= 1;
    EXPECT_FALSE(canonical_length_in(value, other)) << at;
    other = form;
    other.insert(at, " ");
    EXPECT_FALSE(canonical_length_in(value, other)) << at;
  }
  EXPECT_FALSE(canonical_length_in("a\"b", "\"a\"b\""));
  EXPECT_FALSE(canonical_length_in("A", R"("\u0041")"));
  EXPECT_FALSE(canonical_length_in("/", R"("\/")"));
  EXPECT_FALSE(canonical_length_in(Object{{"b", 1}, {"a", 2}}, R"({"b":1,"a":2})"));
}

TEST(Text, EscapesWhatJsonMustEscape) {
  EXPECT_EQ(to_text("a\"b\\c/d\n\r\t\0\x1f\x7f\u00e9"s), R"("a\"b\\c/d\n\r\t\u0000\u001f)"s + "\x7f\u00e9\"");
}

TEST(Text, StandsOnOneLine) {
  EXPECT_EQ(to_text(Object{{"a", Array{1, "x"}}, {"b", Object()}}), R"({"a":[1,"x"],"b":{}})");
}

TEST(PrettyText, IsIndentedByTwoSpaces) {
  EXPECT_EQ(to_pretty_text(Object{{"a", Array{1, Object{{"x", nullptr}}}}, {"b", Object()}, {"c", Array{}}}),
            "{\n  \"a\": [\n    1,\n    {\n      \"x\": null\n    }\n  ],\n  \"b\": {},\n  \"c\": []\n}\n");
}

}  // namespace
}  // namespace cotter::json
