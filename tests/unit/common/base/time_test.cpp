#include "common/base/time.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/common/expect_rule.h"

namespace cotter {
namespace {

using namespace std::string_view_literals;
using test::verdict;

TEST(UtcTime, ReadsAndWritesTheOneForm) {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2027-01-31T23:59:59Z", "2000-02-29T12:00:00Z", "2024-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2038-01-19T03:14:08Z"}) {
    const Result<UtcTime> time = parse_utc(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_utc(*time), text);
  }
}

TEST(UtcTime, CountsSecondsSince1970) {
  EXPECT_EQ(parse_utc("1970-01-01T00:00:00Z")->time_since_epoch().count(), 0);
  EXPECT_EQ(parse_utc("2027-01-31T12:34:56Z")->time_since_epoch().count(), 1801398896);
}

// FMT-8
TEST(UtcTime, RefusesEveryOtherForm) {
  for (const std::string_view text : {""sv,
                                      "2027-01-31"sv,
                                      "2027-01-31T00:00:00"sv,
                                      "2027-01-31T00:00:00.0Z"sv,
                                      "2027-01-31T00:00:00.000Z"sv,
                                      "2027-01-31T00:00:00+00:00"sv,
                                      "2027-01-31T00:00:00-01"sv,
                                      "2027-01-31 00:00:00Z"sv,
                                      "2027-01-31t00:00:00Z"sv,
                                      "2027-01-31T00:00:00z"sv,
                                      "2027-1-31T00:00:00Z"sv,
                                      " 2027-01-31T00:00:00Z"sv,
                                      "2027-01-31T00:00:00Z "sv,
                                      "2027-01-31T00:00:00Z\0"sv,
                                      "20270131T000000Z"sv,
                                      "2027-01-31T00:00Z"sv,
                                      "+027-01-31T00:00:00Z"sv,
                                      "-027-01-31T00:00:00Z"sv,
                                      "2027-01-31T0a:00:00Z"sv,
                                      "12027-01-31T00:00:00Z"sv,
                                      "1801440896"sv}) {
    EXPECT_EQ(verdict(parse_utc(text)), "date-malformed") << text;
  }
}

TEST(UtcTime, RefusesDaysAndTimesThatDoNotExist) {  // FMT-8
  for (const char* text :
       {"2027-00-01T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-00T00:00:00Z", "2027-01-32T00:00:00Z",
        "2027-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2027-04-31T00:00:00Z",
        "2027-01-31T24:00:00Z", "2027-01-31T00:60:00Z", "2027-01-31T00:00:60Z", "2016-12-31T23:59:60Z"}) {
    EXPECT_EQ(verdict(parse_utc(text)), "date-malformed") << text;
  }
}

}  // namespace
}  // namespace cotter
