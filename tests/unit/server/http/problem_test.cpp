#include "server/http/problem.h"

#include <gtest/gtest.h>

#include "common/json/strict_reader.h"
#include "tests/unit/server/http/answer.h"

namespace cotter::http {
namespace {

using test::member_of;

json::Value body_of(const Response& response) { return json::read(response.body).value(); }

TEST(Problem, NamesRuleAndAttackOfARejection) {  // VER-ERR
  const Response response = problem(
      Rejection{std::nullopt, "vehicle manifest", RuleId::ManifestReplayed, "a counter above 7", "7"});
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.headers.at("Content-Type"), "application/problem+json");
  EXPECT_EQ(response.headers.at("Cache-Control"), "no-store");
  EXPECT_EQ(member_of(response, "type"), "urn:cotter:rule:manifest-replayed");
  EXPECT_EQ(member_of(response, "rule"), "manifest-replayed");
  EXPECT_EQ(member_of(response, "attack"), "replay");
  EXPECT_NE(member_of(response, "detail").find("a counter above 7"), std::string::npos);
  const json::Value body = body_of(response);
  EXPECT_EQ(*body.as_object()->find("status")->as_int(), 422);
}

TEST(Problem, HasAStatusForEveryKindOfError) {
  const auto status_of = [](const Error& error) { return problem(error).status; };
  EXPECT_EQ(status_of(Rejection{std::nullopt, "", RuleId::FileTooLarge, "", ""}), 413U);
  EXPECT_EQ(status_of(Rejection{std::nullopt, "", RuleId::ManifestOtherVehicle, "", ""}), 403U);
  EXPECT_EQ(status_of(Rejection{std::nullopt, "", RuleId::JsonMalformed, "", ""}), 422U);
  EXPECT_EQ(status_of(Fault{Fault::Kind::NotFound, "", ""}), 404U);
  EXPECT_EQ(status_of(Fault{Fault::Kind::Busy, "", ""}), 503U);
  EXPECT_EQ(status_of(Fault{Fault::Kind::NoSpace, "", ""}), 507U);
  EXPECT_EQ(status_of(Fault{Fault::Kind::Io, "", ""}), 500U);
}

TEST(Problem, OfADiskOrASignerIsNeverTheCallersFault) {
  // A 403 would tell a vehicle that there is no newer root (VER-2).
  EXPECT_EQ(problem(Fault{Fault::Kind::Denied, "the token was pulled out", ""}).status, 500U);
}

TEST(Problem, ShowsNothingOfThisMachine) {
  for (const auto kind : {Fault::Kind::NotFound, Fault::Kind::Denied, Fault::Kind::Io, Fault::Kind::Conflict,
                          Fault::Kind::Usage, Fault::Kind::Busy}) {
    const Response response =
        problem(Fault{kind, "cannot open /srv/cotter/keys: permission denied", "chmod it"});
    EXPECT_EQ(as_text(response.body).find("/srv"), std::string_view::npos) << as_text(response.body);
    EXPECT_EQ(as_text(response.body).find("chmod"), std::string_view::npos);
  }
}

}  // namespace
}  // namespace cotter::http
