#include "server/app/forecast.h"

#include <gtest/gtest.h>

#include "server/app/forecast_formats.h"
#include "server/app/role_forecast.h"

namespace cotter::app {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

constexpr UtcTime kStart{std::chrono::seconds(1'900'000'000)};
constexpr std::chrono::seconds kWarn = days(10);

Perishable thing(std::string id, days life, std::vector<std::string> hangs_on = {}) {
  Perishable what;
  what.id = std::move(id);
  what.name = what.id;
  what.begins = kStart;
  what.ends = kStart + life;
  what.hangs_on = std::move(hangs_on);
  return what;
}
Perishable renewing(std::string id, std::chrono::seconds life, std::vector<std::string> hangs_on = {}) {
  Perishable what = thing(std::move(id), days(0), std::move(hangs_on));
  what.ends = kStart + life;
  what.renewal = Renewal::Server;
  what.renewed_from = what.ends - life / 4;
  return what;
}

const Ending& ending_of(const std::vector<Ending>& endings, const std::string& id) {
  for (const Ending& ending : endings) {
    if (ending.what.id == id) return ending;
  }
  ADD_FAILURE() << id;
  return endings.front();
}

struct Moment {
  const char* what;
  std::chrono::seconds after;
  Urgency urgency;
  std::uint32_t life_used;
};

TEST(Forecast, JudgesWhatPeopleRenewByItsLifeAndByTheWarning) {
  const days life(200);
  const Moment moments[] = {
      {"before it began", -days(1), Urgency::Fine, 0},
      {"just made", 0s, Urgency::Fine, 0},
      {"a second before half", days(100) - 1s, Urgency::Fine, 49},
      {"half", days(100), Urgency::HalfUsed, 50},
      {"a second before four fifths", days(160) - 1s, Urgency::HalfUsed, 79},
      {"four fifths", days(160), Urgency::Due, 80},
      {"a second before 95 %", days(190) - 1s, Urgency::Due, 94},
      {"95 %", days(190), Urgency::Urgent, 95},
      {"the last second", days(200) - 1s, Urgency::Urgent, 99},
      {"the end", days(200), Urgency::Ended, 100},
      {"long after", days(900), Urgency::Ended, 100},
  };
  for (const Moment& moment : moments) {
    const auto endings = forecast({thing("image/root", life)}, kStart + moment.after, kWarn);
    ASSERT_EQ(endings.size(), 1U);
    EXPECT_EQ(endings[0].urgency, moment.urgency) << moment.what;
    EXPECT_EQ(endings[0].life_used, moment.life_used) << moment.what;
    EXPECT_EQ(endings[0].is_due(), moment.urgency >= Urgency::Due) << moment.what;
  }
}

TEST(Forecast, AWarningBeginsBeforeFourFifthsButNotInTheFirstHalf) {
  const auto at = [](days after, std::chrono::seconds warn) {
    return forecast({thing("image/targets", days(90))}, kStart + after, warn)[0].urgency;
  };
  EXPECT_EQ(at(days(59), days(30)), Urgency::HalfUsed);
  EXPECT_EQ(at(days(60), days(30)), Urgency::Due);
  EXPECT_EQ(at(days(44), days(365)), Urgency::Fine);
  EXPECT_EQ(at(days(45), days(365)), Urgency::Due);
  EXPECT_EQ(at(days(71), 0s), Urgency::HalfUsed);
}

TEST(Forecast, WhatRenewsItselfCountsOnlyWhenItsRenewalIsLate) {
  const Moment moments[] = {
      {"just made", 0s, Urgency::RenewsItself, 0},
      {"when it is due", 18h, Urgency::RenewsItself, 75},
      {"while the keeper has time", 18h + kRenewalSlack, Urgency::RenewsItself, 75},
      {"after that", 18h + kRenewalSlack + 1s, Urgency::Late, 75},
      {"the last second", 24h - 1s, Urgency::Late, 99},
      {"the end", 24h, Urgency::Ended, 100},
  };
  for (const Moment& moment : moments) {
    const auto endings = forecast({renewing("image/timestamp", 24h)}, kStart + moment.after, days(30));
    EXPECT_EQ(endings[0].urgency, moment.urgency) << moment.what;
    EXPECT_EQ(endings[0].life_used, moment.life_used) << moment.what;
  }
}

TEST(Forecast, AParentThatEndsFirstTakesAlongWhatHangsOnIt) {
  const auto endings = forecast({thing("root", days(100)), thing("targets", days(150), {"root"}),
                                 thing("brakes", days(120), {"targets"}),
                                 thing("doors", days(80), {"targets"}), renewing("timestamp", 24h, {"root"})},
                                kStart, kWarn);
  EXPECT_EQ(ending_of(endings, "targets").stops_at, kStart + days(100));
  EXPECT_EQ(ending_of(endings, "targets").with, "root");
  EXPECT_EQ(ending_of(endings, "brakes").with, "root") << "through targets";
  EXPECT_FALSE(ending_of(endings, "doors").with) << "it ends by itself before";
  EXPECT_EQ(ending_of(endings, "doors").stops_at, kStart + days(80));
  EXPECT_EQ(ending_of(endings, "timestamp").with, "root") << "it goes on until then";
  EXPECT_EQ(ending_of(endings, "timestamp").stops_at, kStart + 24h);
  EXPECT_EQ(ending_of(endings, "root").takes_along,
            (std::vector<std::string>{"brakes", "targets", "timestamp"}));
  EXPECT_EQ(endings.front().what.id, "timestamp");
  EXPECT_EQ(endings[1].what.id, "doors");
}

TEST(Forecast, WhereAParentHasEndedItIsTheParentThatIsDue) {
  const auto endings =
      forecast({thing("root", days(100)), thing("targets", days(300), {"root"})}, kStart + days(101), kWarn);
  EXPECT_EQ(ending_of(endings, "root").urgency, Urgency::Ended);
  EXPECT_EQ(ending_of(endings, "targets").urgency, Urgency::Stopped);
  EXPECT_FALSE(ending_of(endings, "targets").is_due());
}

TEST(Forecast, ALateRenewalEndsWhatHangsOnItToo) {
  const std::vector<Perishable> all{renewing("a", 24h), thing("b", days(50), {"a"})};
  EXPECT_FALSE(ending_of(forecast(all, kStart, kWarn), "b").with);
  EXPECT_EQ(ending_of(forecast(all, kStart + 20h, kWarn), "b").with, "a");
}

TEST(Forecast, BearsCirclesAndWhatNobodyKnows) {
  const auto endings =
      forecast({thing("a", days(9), {"b"}), thing("b", days(5), {"a", "nobody"})}, kStart, kWarn);
  EXPECT_EQ(ending_of(endings, "a").stops_at, kStart + days(5));
  EXPECT_EQ(ending_of(endings, "b").stops_at, kStart + days(5));
}

TEST(ForecastFormats, SaysWhoActsAndWhomItStops) {
  Perishable what = thing("image/root", days(1));
  what.quorums = {{2, {"holder-1", "holder-2"}}};
  EXPECT_EQ(who_acts(what), "2 of holder-1, holder-2");
  what.quorums.push_back({1, {"holder-2", "holder-4"}});
  EXPECT_EQ(who_acts(what), "2 of holder-1, holder-2; and 1 of holder-2, holder-4");
  what.quorums = {{1, {"operator"}}};
  EXPECT_EQ(who_acts(what), "operator");
  EXPECT_EQ(reach_in_words({1, 3}), "3 ECUs in 1 vehicle");
  EXPECT_EQ(reach_in_words({2, 1}), "1 ECU in 2 vehicles");
  EXPECT_EQ(reach_in_words({}), "no vehicle");
}

TEST(Forecast, CountsWhoActsForTwoQuorumsOnce) {
  const std::vector<std::string> before{"a", "b", "c"}, after{"b", "c", "d"};
  EXPECT_EQ(together({{2, before}}), (Quorum{2, before}));
  EXPECT_EQ(together({{2, before}, {2, after}}), (Quorum{2, {"a", "b", "c", "d"}})) << "b and c do";
  EXPECT_EQ(together({{2, before}, {3, after}}), (Quorum{3, {"a", "b", "c", "d"}}));
  EXPECT_EQ(together({{1, {"a"}}, {2, {"d", "e"}}}), (Quorum{3, {"a", "d", "e"}}));
  EXPECT_EQ(together({}), Quorum());
}

TEST(ForecastFormats, CalendarFoldsLinesBetweenCharactersAndEscapesText) {
  Perishable what = thing("image/root", days(100));
  what.name = "r\xC3\xB6\xC3\xB6t, of; \\ all";
  what.stops =
      std::string(60, 'x') + "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC";
  const std::string text = as_calendar(forecast({what}, kStart, kWarn), kStart, kWarn, "abc");
  std::string unfolded;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find("\r\n", begin);
    ASSERT_NE(end, std::string::npos);
    const std::string line = text.substr(begin, end - begin);
    EXPECT_LE(line.size(), 75U);
    EXPECT_NE(static_cast<unsigned char>(line.back()) & 0xC0U, 0xC0U) << "a character is cut";
    if (line.front() == ' ') {
      unfolded += line.substr(1);
    } else {
      unfolded += "\n" + line;
    }
    begin = end + 2;
  }
  EXPECT_NE(unfolded.find("\nSUMMARY:ends: r\xC3\xB6\xC3\xB6t\\, of\\; \\\\ all\n"), std::string::npos)
      << unfolded;
  EXPECT_NE(unfolded.find("\nDESCRIPTION:" + what.stops + "\\nno vehicle"), std::string::npos) << unfolded;
  EXPECT_NE(unfolded.find("\nTRIGGER:-P10D\n"), std::string::npos);
  EXPECT_NE(unfolded.find("\nUID:image.root.abc@cotter\n"), std::string::npos);
}

TEST(ForecastFormats, CalendarKeepsTheUidOfWhatWasRenewedAndLeavesOutWhatRenewsItself) {
  Perishable first = thing("image/root", days(100)), second = thing("image/root", days(400));
  second.version = 2;
  const std::string before = as_calendar(forecast({first}, kStart, kWarn), kStart, kWarn, "abc");
  const std::string after =
      as_calendar(forecast({second, renewing("image/timestamp", 24h)}, kStart, kWarn), kStart, kWarn, "abc");
  for (const std::string& text : {before, after}) {
    EXPECT_NE(text.find("UID:image.root.abc@cotter\r\n"), std::string::npos);
    EXPECT_EQ(text.find("timestamp"), std::string::npos);
  }
  EXPECT_NE(after.find("SEQUENCE:2\r\n"), std::string::npos);
}

TEST(ForecastFormats, MetricsSayWhenAndWhetherItIsDue) {
  const std::string text =
      as_metrics(forecast({thing("image/root", days(100))}, kStart + days(96), kWarn), kStart);
  for (const char* line :
       {"cotter_expiry_timestamp_seconds{repository=\"image\",role=\"root\"} 1908640000\n",
        "cotter_expiry_due{repository=\"image\",role=\"root\"} 1\n", "# TYPE cotter_expiry_due gauge\n",
        "cotter_forecast_timestamp_seconds 1900000000\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(ForecastFormats, TimelineEscapesNamesAndMarksWhatLiesBeyondIt) {
  Perishable what = thing("pki/ca", days(7000));
  what.name = "CA <&> \"us\"";
  const std::string text = as_timeline(forecast({what}, kStart, kWarn), kStart, kStart + days(400));
  EXPECT_NE(text.find("CA &lt;&amp;&gt; &quot;us&quot;"), std::string::npos);
  EXPECT_NE(text.find("\xE2\x86\x92 2049-"), std::string::npos) << text;
  EXPECT_EQ(text.find("<script"), std::string::npos);
}

TEST(RoleForecast, StopsARoleWithTheOneThatLetsItSign) {
  const auto role = [](const char* name, const char* delegator, days life) {
    LiveRole live;
    live.repository = Repository::Image;
    live.role = RoleName(name);
    live.delegator = RoleName(delegator);
    live.version = Version(1);
    live.expires = kStart + life;
    return live;
  };
  LiveRole bins = role("acme", "acme", days(1));
  bins.is_bins = true;
  const std::vector<LiveRole> roles{role("root", "root", days(100)), role("targets", "root", days(50)),
                                    role("acme", "targets", days(80)), bins};
  const json::Value told = role_forecast(roles, "log", kStart + days(60));
  const json::Array& lines = *told.as_object()->find("roles")->as_array();
  ASSERT_EQ(lines.size(), roles.size());
  const auto of_line = [&](std::size_t at, const char* name) { return *lines[at].as_object()->find(name); };
  EXPECT_EQ(of_line(2, "expires"), json::Value(format_utc(kStart + days(80))));
  EXPECT_EQ(of_line(2, "stops_at"), json::Value(format_utc(kStart + days(50))));
  EXPECT_EQ(of_line(2, "stops_with"), json::Value("image/targets"));
  EXPECT_EQ(of_line(2, "ended"), json::Value(true));
  EXPECT_EQ(of_line(2, "seconds_apart"), json::Value(10 * 86'400));
  EXPECT_EQ(of_line(0, "ended"), json::Value(false));
  EXPECT_EQ(of_line(0, "seconds_apart"), json::Value(40 * 86'400));
  EXPECT_TRUE(of_line(0, "stops_with").is_null());
  EXPECT_TRUE(of_line(3, "stops_at").is_null()) << "whoever has the folder has no bins";
}

}  // namespace
}  // namespace cotter::app
