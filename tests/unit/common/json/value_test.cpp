#include "common/json/value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

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
  EXPECT_FALSE(text.as_int());
  EXPECT_FALSE(text.as_bool());
  EXPECT_EQ(text.as_array(), nullptr);
  EXPECT_EQ(text.as_object(), nullptr);
  EXPECT_NE(Value(1), Value(true));
}

TEST(Value, KeepsTextOfEveryLength) {
  for (std::size_t size = 0; size < 20; ++size) {
    const std::string text(size, size % 2 == 0 ? '\0' : '\xff');
    EXPECT_EQ(*Value(text).as_string(), text);
    EXPECT_EQ(Value(text), Value(String(text)));
    EXPECT_NE(Value(text), Value(text + "x"));
  }
}

TEST(Value, KeepsEveryInteger) {
  constexpr std::int64_t kInWord = (std::int64_t{1} << 60) - 1;
  for (const std::int64_t number : {std::int64_t{0}, std::int64_t{-1}, kInWord, -kInWord, kInWord + 1,
                                    -kInWord - 1, INT64_MAX, INT64_MIN}) {
    const Value value(number);
    const Value copy = value;  // NOLINT(performance-unnecessary-copy-initialization): what is tested
    EXPECT_EQ(*copy.as_int(), number);
    EXPECT_EQ(copy.kind(), "integer");
    EXPECT_EQ(copy, value);
    EXPECT_NE(copy, Value(number == 7 ? 8 : 7));
  }
}

// Copies share what they hold until one of them is changed.
TEST(Value, ACopyIsChangedAlone) {
  const Value original = Object{{"list", Array{1, "two", Object{{"deep", "down below"}}}}};
  Value copy = original;
  Array& list = *copy.as_object()->find("list")->as_array();
  list[0] = 9;
  *list[2].as_object()->find("deep") = "changed";
  list.push_back(list[1]);
  list.erase(list.begin());
  EXPECT_EQ(copy, Value(Object{{"list", Array{"two", Object{{"deep", "changed"}}, "two"}}}));
  EXPECT_EQ(original, Value(Object{{"list", Array{1, "two", Object{{"deep", "down below"}}}}}));
}

// A block with room to spare has none to spare for two.
TEST(Value, ACopyGrowsAlone) {
  Array original;
  for (int i = 0; i < 5; ++i) original.push_back(i);
  Array copy = original, other = original;
  copy.push_back("at the end");
  other.insert(other.begin(), "in front");
  original.push_back(5);
  EXPECT_EQ(copy, (Array{0, 1, 2, 3, 4, "at the end"}));
  EXPECT_EQ(other, (Array{"in front", 0, 1, 2, 3, 4}));
  EXPECT_EQ(original, (Array{0, 1, 2, 3, 4, 5}));
}

TEST(Value, IsEqualToNoOtherKindAndNoOtherContent) {
  const std::vector<Value> all = {nullptr,
                                  false,
                                  true,
                                  0,
                                  1,
                                  -1,
                                  std::int64_t{1} << 62,
                                  -(std::int64_t{1} << 62),
                                  "",
                                  "seven b",
                                  "eight by",
                                  "eight bX",
                                  Array(),
                                  Array{0},
                                  Array{nullptr},
                                  Object(),
                                  Object{{"a", 0}},
                                  Object{{"b", 0}},
                                  Object{{"a", 1}}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t k = 0; k < all.size(); ++k) EXPECT_EQ(all[i] == all[k], i == k) << i << " " << k;
  }
  Array emptied = {1};
  emptied.erase(emptied.begin());
  EXPECT_EQ(Value(emptied), Value(Array()));
  EXPECT_EQ(Value(std::int64_t{1} << 62), all[6]);
  EXPECT_EQ(Value("eight by"), all[10]);
}

TEST(Value, GivesItsLastElementsAway) {
  Array list = {1, "two, with a block", Array{3}};
  const Array copy = list;
  const auto last = list.split_last(2);
  EXPECT_EQ(list, Array{1});
  EXPECT_EQ(Array(last), (Array{"two, with a block", Array{3}}));
  EXPECT_TRUE(list.split_last(0).empty());
  list.drop_last(1);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(copy, (Array{1, "two, with a block", Array{3}}));
}

TEST(Value, TakesAPieceOfItself) {
  Value value = Array{Value(Array{"inner"})};
  value = Value((*value.as_array())[0]);
  EXPECT_EQ(value, Value(Array{"inner"}));
  Array& list = *value.as_array();
  for (int i = 0; i < 20; ++i) list.push_back(list.front());
  EXPECT_EQ(list.size(), 21U);
  EXPECT_EQ(*list.back().as_string(), "inner");
}

}  // namespace
}  // namespace cotter::json
