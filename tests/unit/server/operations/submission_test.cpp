#include "server/operations/submission.h"

#include <gtest/gtest.h>

#include <string>

#include "common/json/canonical.h"

namespace cotter::operations {
namespace {

std::string file(const std::string& kind, char digit, const std::string& length) {
  return R"({"kind":")" + kind + R"(","sha256":")" + std::string(64, digit) + R"(","length":)" + length + "}";
}
std::string list_of(const std::string& files) {
  return R"({"_type":"cotter-submission","files":[)" + files + "]}";
}

TEST(Submission, ComesBackAsItWasWritten) {
  const auto read = Submission::decode(as_bytes(
      list_of(file("metadata", 'a', "7") + "," + file("image", 'b', "9") + "," + file("sbom", 'c', "1"))));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->total_length(), 17U);
  EXPECT_EQ(read->find(read->files.at(1).sha256)->length, 9U);
  const auto again = Submission::decode(read->encode());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->encode(), read->encode());
}

std::string bins(char digit, const std::string& roles) {
  std::string entry = file("metadata", digit, "7");
  entry.insert(entry.size() - 1, R"(,"roles":)" + roles);
  return entry;
}

TEST(Submission, OfBinsSaysWhoseFileEachIs) {
  const auto read =
      Submission::decode(as_bytes(list_of(bins('b', R"(["acme-1","acme-0"])") + "," +
                                          bins('c', R"(["acme-2"])") + "," + file("image", 'd', "9"))));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->has_bins());
  const std::string b(64, 'b'), c(64, 'c');
  EXPECT_EQ(lines_of(read->metadata(RoleName("acme"))),
            "acme-0 " + b + "\nacme-1 " + b + "\nacme-2 " + c + "\n");
  const auto again = Submission::decode(read->encode());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->encode(), read->encode());
  EXPECT_EQ(again->files.front().roles.size(), 2U);
  for (const std::string& bad :
       {bins('b', "[]"), bins('b', R"([7])"), bins('b', R"(["../x"])"), bins('b', R"(["targets"])"),
        bins('b', R"(["acme-0"])") + "," + bins('c', R"(["acme-0"])"),
        file("metadata", 'b', "7") + "," + file("metadata", 'c', "7") + "," + bins('d', R"(["acme-0"])"),
        file("metadata", 'b', "7") + R"(,{"kind":"image","sha256":")" + c +
            R"(","length":1,"roles":["acme-0"]})"}) {
    EXPECT_FALSE(Submission::decode(as_bytes(list_of(bad)))) << bad;
  }
}

TEST(Submission, OfMoreBinsThanASupplierHasIsRefused) {
  const auto numbered = [](std::size_t first, std::size_t count) {
    std::string roles;
    for (std::size_t number = first; number < first + count; ++number)
      roles += (roles.empty() ? "[\"a-" : ",\"a-") + std::to_string(number) + "\"";
    return roles + "]";
  };
  EXPECT_TRUE(Submission::decode(as_bytes(list_of(bins('b', numbered(0, kMaxSubmissionBins))))));
  EXPECT_FALSE(Submission::decode(as_bytes(list_of(bins('b', numbered(0, kMaxSubmissionBins + 1))))));
  EXPECT_FALSE(Submission::decode(
      as_bytes(list_of(bins('b', numbered(0, kMaxSubmissionBins)) + "," + bins('c', numbered(9999, 1))))));
}

TEST(Submission, IsRefusedWhereItSaysTooMuchTooLittleOrTwoThings) {
  const std::string metadata = file("metadata", 'a', "7");
  for (const std::string& bad : {
           list_of(""),                                           // no metadata
           list_of(metadata + "," + file("metadata", 'b', "7")),  // two
           list_of(metadata + "," + file("image", 'a', "7")),     // one hash twice
           list_of(metadata + "," + file("image", 'b', "0")),     // nothing
           list_of(metadata + "," + file("virus", 'b', "1")),     // no such kind
           list_of(file("metadata", 'a', "9000000")),             // a paper above its limit
           list_of(R"({"kind":"metadata","sha256":"../x","length":1})"),
           list_of(R"({"kind":"metadata","sha256":"abcd","length":1})"),
           std::string(R"({"_type":"other","files":[]})"),
       }) {
    EXPECT_FALSE(Submission::decode(as_bytes(bad))) << bad;
  }
  std::string many = metadata;
  for (std::size_t i = 0; i < kMaxSubmissionFiles; ++i) {
    char digits[65];
    std::snprintf(digits, sizeof(digits), "%064zx", i);
    many += std::string(R"(,{"kind":"image","sha256":")") + digits + R"(","length":1})";
  }
  EXPECT_FALSE(Submission::decode(as_bytes(list_of(many))));
  EXPECT_FALSE(Submission::decode(as_bytes(list_of(metadata) + std::string(kMaxSubmissionBytes, ' '))));
}

TEST(Submission, IsNamedByNothingThatCouldLeaveAFolder) {
  EXPECT_TRUE(is_submission_id(new_submission_id()));
  for (const char* bad : {"", "..", "../../../../etc/passwd/000000000", "ABCDEF00000000000000000000000000"}) {
    EXPECT_FALSE(is_submission_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace cotter::operations
