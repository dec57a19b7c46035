#include "common/json/value.h"

#include <gtest/gtest.h>

#include <string>

namespace cotter::json {
namespace {

std::string keys_of(const Object& object) {
  std::string keys;
  for (const Member& member : object) keys += member.key + " ";
  return keys;
}

TEST(Object, KeepsMembersInByteOrder) {
  EXPECT_EQ(keys_of(Object{{"b", 1}, {"\u00e9", 2}, {"B", 3}, {"", 4}, {"ba", 5}}), " B b ba \u00e9 ");
}

TEST(Object, KeepsTheLastOfEqualKeys) {
  const Object object{{"b", 1}, {"a", 2}, {"b", 3}, {"a", 4}, {"b", 5}};
  EXPECT_EQ(object.size(), 2U);
  EXPECT_EQ(*object.find("a"), Value(4));
  EXPECT_EQ(*object.find("b"), Value(5));
}

TEST(Object, FindsSetsAndErases) {
  Object object{{"b", 1}};
  EXPECT_EQ(object.find("a"), nullptr);
  object.set("a", "new");
  object.set("b", 2);
  EXPECT_EQ(object, (Object{{"a", "new"}, {"b", 2}}));
  *object.find("b") = 3;
  object.erase("a");
  object.erase("missing");
  EXPECT_EQ(object, (Object{{"b", 3}}));
  EXPECT_FALSE(object.empty());
}

TEST(Value, KnowsItsKind) {
  EXPECT_EQ(Value().kind(), "null");
  EXPECT_EQ(Value(true).kind(), "boolean");
  EXPECT_EQ(Value(1).kind(), "integer");
  EXPECT_EQ(Value("").kind(), "string");
  EXPECT_EQ(Value(Array{}).kind(), "array");
  EXPECT_EQ(Value(Object()).kind(), "object");
}

TEST(Value, GivesItsContentAsThatKindOnly) {
  const Value text("x");
  EXPECT_EQ(*text.as_string(), "x");
  EXPECT_EQ(text.as_int(), nullptr);
  EXPECT_EQ(text.as_bool(), nullptr);
  EXPECT_EQ(text.as_array(), nullptr);
  EXPECT_EQ(text.as_object(), nullptr);
  EXPECT_NE(Value(1), Value(true));
}

}  // namespace
}  // namespace cotter::json
