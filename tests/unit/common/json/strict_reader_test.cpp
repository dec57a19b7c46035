#include "common/json/strict_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string>

#include "common/json/canonical.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::json {
namespace {

using namespace std::string_literals;
using test::verdict;

Result<Value> read_text(std::string_view text) { return read(as_bytes(text)); }

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(StrictReader, ReadsEveryKindOfValue) {
  const auto value = read_text(R"( {"a":[null,true,false,0,12,"x"],"b":{}} )");
  ASSERT_TRUE(value);
  const Array expected = {nullptr, true, false, 0, 12, "x"};
  EXPECT_EQ(*value, Value(Object{{"a", expected}, {"b", Object()}}));
}

TEST(StrictReader, ReadsScalarsAtTheTop) {
  EXPECT_EQ(read_text("7").value(), Value(7));
  EXPECT_EQ(read_text("\"\"").value(), Value(""));
  EXPECT_EQ(read_text(" null\n").value(), Value());
}

TEST(StrictReader, DecodesEscapes) {
  EXPECT_EQ(read_text(R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude97\u0000")").value(),
            Value("\"\\/\b\f\n\r\t\u00e9\U0001f697\0"s));
}

// FMT-12, ATK-39
TEST(StrictReader, RefusesWhatIsNotOneJsonDocument) {
  for (const std::string& text : {
           ""s,
           " "s,
           "{"s,
           "}"s,
           "["s,
           "[1,]"s,
           "[,1]"s,
           "[1 2]"s,
           "{\"a\"}"s,
           "{\"a\":}"s,
           "{\"a\":1,}"s,
           "{a:1}"s,
           "{'a':1}"s,
           "{1:2}"s,
           "nul"s,
           "nulll"s,
           "True"s,
           "NaN"s,
           "Infinity"s,
           "-Infinity"s,
           "-"s,
           "+1"s,
           "01"s,
           "00"s,
           ".5"s,
           "0x10"s,
           "1_000"s,
           "\"a"s,
           "\"\\x\""s,
           "\"\\u12\""s,
           "\"\\u12g4\""s,
           "\"a\nb\""s,
           "\"a\tb\""s,
           "[1]]"s,
           "{} {}"s,
           "{}x"s,
           "1 2"s,
           "/* c */ 1"s,
           "1 // c"s,
           "undefined"s,
           "<html></html>"s,
           "[\"a\",\n}"s,
           "{\"a\":1 \"b\":2}"s,
           "\xa0"s,
           "\v1"s,
           "\f1"s,
       }) {
    EXPECT_EQ(verdict(read_text(text)), "json-malformed") << text;
  }
}

// The tokenizer takes a zero byte for the end of its input.
TEST(StrictReader, RefusesZeroBytesAnywhere) {  // FMT-12
  for (const std::string& text :
       {"{}\0"s, "{}\0{}"s, "\0{}"s, "{\0}"s, "\"a\0b\""s, "1\0"s, "[1,\0 2]"s, "{}\n\0"s}) {
    EXPECT_EQ(verdict(read_text(text)), "json-malformed");
  }
}

TEST(StrictReader, RefusesByteOrderMarksAndOtherEncodings) {  // FMT-12
  EXPECT_EQ(verdict(read_text("\xef\xbb\xbf{}")), "json-malformed");
  EXPECT_EQ(verdict(read_text("\xff\xfe{\0}\0"s)), "json-malformed");
  EXPECT_EQ(verdict(read_text("\xfe\xff\0{\0}"s)), "json-malformed");
  EXPECT_EQ(verdict(read_text("{\0}\0"s)), "json-malformed");
}

TEST(StrictReader, RefusesInvalidUtf8) {  // FMT-12
  for (const std::string& bytes : {
           "\x80"s,
           "\xbf"s,
           "\xc0\x80"s,
           "\xc1\xbf"s,
           "\xc3"s,
           "\xc3("s,
           "\xe0\x80\x80"s,
           "\xe0\x9f\xbf"s,
           "\xe2\x82"s,
           "\xed\xa0\x80"s,
           "\xed\xbf\xbf"s,
           "\xf0\x80\x80\x80"s,
           "\xf0\x8f\xbf\xbf"s,
           "\xf4\x90\x80\x80"s,
           "\xf5\x80\x80\x80"s,
           "\xf8\x88\x80\x80\x80"s,
           "\xfe"s,
           "\xff"s,
       }) {
    EXPECT_EQ(verdict(read_text("\"" + bytes + "\"")), "json-malformed") << to_hex(as_bytes(bytes));
    EXPECT_EQ(verdict(read_text("{\"" + bytes + "\":1}")), "json-malformed") << to_hex(as_bytes(bytes));
  }
}

TEST(StrictReader, TakesTheFirstAndLastOfEachUtf8Length) {
  for (const std::string& bytes :
       {"\x7f"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xed\x9f\xbf"s, "\xee\x80\x80"s, "\xef\xbf\xbf"s,
        "\xf0\x90\x80\x80"s, "\xf4\x8f\xbf\xbf"s}) {
    EXPECT_EQ(verdict(read_text("\"" + bytes + "\"")), "accepted") << to_hex(as_bytes(bytes));
  }
}

TEST(StrictReader, RefusesLoneSurrogates) {  // FMT-12
  for (const char* text : {R"("\ud800")", R"("\udbff")", R"("\udc00")", R"("\udfff")", R"("\ud800x")",
                           R"("\ud800\n")", R"("\ud800\ud800")", R"("\udc00\ud800")", R"("a\udfffb")",
                           R"({"\udc00":1})", R"(["\ud800\u0041"])"}) {
    EXPECT_EQ(verdict(read_text(text)), "json-malformed") << text;
  }
  EXPECT_EQ(verdict(read_text(R"("\ud7ff\ue000\ud800\udc00")")), "accepted");
}

TEST(StrictReader, RefusesDuplicateKeys) {  // FMT-12
  for (const char* text :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"({"x":{"a":1,"a":2}})", R"([{"":1,"":2}])",
        R"({"a":1,"\u0061":2})", R"({"/":1,"\/":2})", R"({"signed":{},"signatures":[],"signed":{}})"}) {
    EXPECT_EQ(verdict(read_text(text)), "json-duplicate-key") << text;
  }
  EXPECT_EQ(verdict(read_text(R"({"a":{"a":1},"A":[{"a":2}],"a\u0000":3})")), "accepted");
}

TEST(StrictReader, NamesTheDuplicateKey) {
  const auto value = read_text(R"({"length":1,"length":2})");
  ASSERT_FALSE(value);
  EXPECT_NE(summary(value.error()).find("\"length\" twice"), std::string::npos) << summary(value.error());
}

TEST(StrictReader, TakesIntegersUpTo2To53) {
  EXPECT_EQ(read_text("0").value(), Value(0));
  EXPECT_EQ(read_text("9007199254740991").value(), Value(std::int64_t{9007199254740991}));
}

TEST(StrictReader, RefusesOtherNumbers) {  // FMT-12, FMT-26
  for (const std::string& text : {"-0"s,
                                  "-1"s,
                                  "1.0"s,
                                  "0.0"s,
                                  "-0.0"s,
                                  "1.5"s,
                                  "1e2"s,
                                  "1E2"s,
                                  "1e+2"s,
                                  "1e-2"s,
                                  "0e0"s,
                                  "1.0e0"s,
                                  "9007199254740992"s,
                                  "9223372036854775807"s,
                                  "9223372036854775808"s,
                                  "18446744073709551616"s,
                                  "-9223372036854775808"s,
                                  "1e400"s,
                                  "1" + std::string(400, '0'),
                                  "-1" + std::string(400, '0'),
                                  "0." + std::string(400, '0') + "1",
                                  "1e-99999999999"s}) {
    EXPECT_EQ(verdict(read_text(text)), "json-number-not-integer") << text;
    EXPECT_EQ(verdict(read_text("[" + text + "]")), "json-number-not-integer") << text;
  }
}

TEST(StrictReader, Takes32Levels) {
  EXPECT_EQ(verdict(read_text(repeated("[", 32) + repeated("]", 32))), "accepted");
  EXPECT_EQ(verdict(read_text(repeated("{\"a\":", 32) + "1" + repeated("}", 32))), "accepted");
}

TEST(StrictReader, RefusesDeeperLevels) {  // FMT-12
  EXPECT_EQ(verdict(read_text(repeated("[", 33) + repeated("]", 33))), "json-too-deep");
  EXPECT_EQ(verdict(read_text(repeated("{\"a\":", 33) + "1" + repeated("}", 33))), "json-too-deep");
  EXPECT_EQ(verdict(read_text(repeated("[{\"a\":", 17) + "1" + repeated("}]", 17))), "json-too-deep");
}

// ATK-39: a depth bomb, which costs no stack.
TEST(StrictReader, SurvivesADepthBomb) {
  EXPECT_EQ(verdict(read_text(std::string(8 * 1024 * 1024, '['))), "json-too-deep");
  EXPECT_EQ(verdict(read_text(repeated("{\"a\":", 1000000))), "json-too-deep");
}

/// Processor time to read `text`, the best of three: other programs disturb a run, and never speed it up.
std::clock_t time_to_read(const std::string& text) {
  std::clock_t best = std::numeric_limits<std::clock_t>::max();
  for (int run = 0; run < 3; ++run) {
    const std::clock_t start = std::clock();
    EXPECT_EQ(verdict(read_text(text)), "accepted");
    best = std::min(best, std::clock() - start);
  }
  return best;
}

// Twenty times the input would take four hundred times as long, were anything quadratic in it.
TEST(StrictReader, IsLinearInTheInput) {
  const auto members = [](int count) {
    std::string text = "{";
    for (int i = count; i > 0; --i) text += "\"" + std::to_string(i) + "\":[0,\"\\n\"],";
    return text + "\"end\":0}";
  };
  EXPECT_LT(time_to_read(members(40000)), 100 * time_to_read(members(2000)));
}

TEST(StrictReader, SaysWhereItStopped) {
  const auto value = read_text("{\"a\":1,}");
  ASSERT_FALSE(value);
  EXPECT_NE(summary(value.error()).find("at byte 7"), std::string::npos) << summary(value.error());
}

TEST(StrictReader, ReadsBackWhatTheWriterWrote) {
  const Value value =
      Object{{"\u00e9\"\\\n\x01", Array{Object(), Array{}, "\0\x1f\x7f"s, 9007199254740991}}, {"", nullptr}};
  EXPECT_EQ(read_text(to_text(value)).value(), value);
  EXPECT_EQ(read_text(to_pretty_text(value)).value(), value);
}

// Small objects that are alike share what they hold: one of them changes alone, and each was looked at.
TEST(StrictReader, ObjectsThatAreAlikeAreEachOnesOwn) {
  auto value = read_text(R"([{"v":1,"w":2},{"v":1,"w":2},{"w":2,"v":1},{"v":1},{},{},{"v":1,"w":2}])");
  ASSERT_TRUE(value);
  *(*value->as_array())[1].as_object()->find("v") = 7;
  const Object same = {{"v", 1}, {"w", 2}};
  EXPECT_EQ(*value,
            Value(Array{same, Object{{"v", 7}, {"w", 2}}, same, Object{{"v", 1}}, Object(), Object(), same}));
  EXPECT_EQ(verdict(read_text(R"([{"v":1,"w":2},{"v":1,"v":2}])")), "json-duplicate-key");
  EXPECT_EQ(verdict(read_text(R"([{"v":1,"v":1}])")), "json-duplicate-key");
}

TEST(StrictReader, SeesWhetherTheTextWasInCanonicalForm) {  // FMT-25
  const auto seen = [](std::string text) {
    const auto read = read_and_look(std::move(text));
    return read && read->is_canonical;
  };
  for (const char* text : {"{}", "[]", "0", "null", "\"\"", R"({"a":[true,false,null,12,"x"],"b":{"c":{}}})",
                           "\"\u00e9\"", R"([{"v":1},{"v":1},{"v":2}])", R"({"":1,"a":2})"}) {
    EXPECT_TRUE(seen(text)) << text;
  }
  for (const char* text : {" {}", "{ }", "[1, 2]", R"({"a" :1})", R"({"b":1,"a":2})", R"([{"w":1,"v":1}])",
                           R"(["\/"])", R"(["\u0041"])", R"({"\n":1})", "[1]\n",
                           // as long as its canonical form
                           R"([{"v":1,"w":2},{"w":2,"v":1}])"}) {
    EXPECT_FALSE(seen(text)) << text;
  }
  EXPECT_FALSE(read_and_look("{"));
}

TEST(StrictReader, TakesForeignNumbersAsTextAndIsAsStrictInAllElse) {
  const auto value = read_foreign(as_bytes(R"([0.5,-1,1e9,9007199254740993,7])"));
  ASSERT_TRUE(value);
  const Array& numbers = *value->as_array();
  for (const auto& [at, text] :
       {std::pair(0, "0.5"), std::pair(1, "-1"), std::pair(2, "1e9"), std::pair(3, "9007199254740993")}) {
    EXPECT_EQ(*numbers.begin()[at].as_string(), text);
  }
  EXPECT_EQ(numbers.begin()[4].as_int(), 7);
  for (const char* bad : {R"({"a":0.5,"a":1})", "[01]", "[0.5", "[.5]", "[NaN]"}) {
    EXPECT_FALSE(read_foreign(as_bytes(bad))) << bad;
  }
}

}  // namespace
}  // namespace cotter::json
