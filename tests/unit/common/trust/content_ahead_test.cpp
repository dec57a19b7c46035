#include "common/trust/content_ahead.h"

#include <gtest/gtest.h>

#include "common/json/canonical.h"
#include "common/trust/draft.h"
#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using test::verdict;

/// A root, and files that say they are its snapshot.
class ContentAheadTest : public ::testing::Test {
 protected:
  ContentAheadTest() {
    Draft<model::Root> draft(repository_.root);
    for (const auto& signer : repository_.signers[model::root_role()]) EXPECT_TRUE(draft.sign(*signer));
    root_.emplace(draft.seal_anchor().value());
  }
  [[nodiscard]] std::string good() const {
    const Bytes file =
        sim::signed_file(repository_.snapshot.encode(), repository_.signers.at(model::snapshot_role()));
    return std::string(as_text(file));
  }
  [[nodiscard]] std::string other_content() const {
    model::Snapshot other = repository_.snapshot;
    other.version = Version(99);
    return json::to_text(other.encode());
  }
  [[nodiscard]] std::string judged(Result<Unverified<model::Snapshot>> file) const {
    if (!file) return summary(file.error());
    const auto verified = std::move(*file).verify(Authority::of_root(*root_, model::snapshot_role()));
    return verified ? std::string(as_text(verified->wire())) : summary(verified.error());
  }
  [[nodiscard]] std::string plain(const std::string& file) const {
    return judged(Unverified<model::Snapshot>::parse(to_bytes(file), Profile::Vehicle));
  }
  [[nodiscard]] std::string with(const ContentAhead& content, const std::string& file) const {
    return judged(Unverified<model::Snapshot>::parse(to_bytes(file), Profile::Vehicle, content));
  }

  sim::RepositorySim repository_{"image", test::kExpires};
  std::optional<Verified<model::Root>> root_;
};

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST_F(ContentAheadTest, ChangesNoVerdict) {  // FMT-6, FMT-12, VER-T
  const std::string deep = std::string(31, '[') + std::string(31, ']');
  const std::vector<std::string> files = {
      good(),
      replaced(good(), "\"signed\":{", "\"signed\": {"),
      replaced(good(), "\"signed\":{", "\"signed\":{ "),
      replaced(good(), "\"signed\":{", "\"signed\":{\"\\u0061\":1,"),
      replaced(good(), "{\"signatures\"", "{\"signed\" : 1,\"signatures\""),
      replaced(good(), "{\"signatures\"", "{\"x\":\"\\\"signed\\\":\",\"signatures\""),
      replaced(good(), "{\"signatures\"", "{\"x\":{\"signed\":1},\"signatures\""),
      replaced(good(), "{\"signatures\"", "{\"x\":[{\"signed\":"),
      // A key that ends as the right one does, and the right one in another spelling.
      replaced(replaced(good(), "\"signed\":", "\"x\\\"signed\":"), "{\"sig",
               "{\"signed\" :" + other_content() + ",\"sig"),
      replaced(replaced(good(), "\"signed\":", "\"x\\\"signed\":"), "{\"sig",
               "{\"\\u0073igned\":" + other_content() + ",\"sig"),
      replaced(good(), "{\"sig", "{\"\\u0073igned\":" + other_content() + ",\"sig"),
      replaced(good(), "{\"sig", "{\"x\\\"signed\":" + other_content() + ",\"sig"),
      replaced(good(), "\"keyid\":\"", "\"keyid\":\"0"),
      replaced(good(), "\"sig\":\"", "\"sig\":\"00"),
      replaced(good(), "\"signatures\"", "\"signature\""),
      replaced(good(), "\"signed\":{", "\"signed\":{\"deep\":" + deep + ","),
      replaced(good(), "\"signed\":{", "\"signed\":{\"deep\":[" + deep + "],"),
      good() + " ",
      good() + "}",
      good().substr(0, good().size() - 1),
      "[" + good() + "]",
      R"({"signatures":[],"signed":1,"signed":2})",
      R"({"signatures":[],"signed":1],"x":[2})",
      R"({"signatures":[],"signed":})",
      R"({"signatures":[],"signed":)",
      R"("signed":)",
  };
  std::size_t read = 0;
  for (const std::string& file : files) {
    const auto content = ContentAhead::read_in(as_bytes(file));
    if (!content) continue;
    ++read;
    EXPECT_EQ(with(*content, file), plain(file)) << file;
  }
  EXPECT_EQ(plain(good()), good());
  EXPECT_GE(read, 10U);
}

TEST_F(ContentAheadTest, CountsForNoOtherFile) {
  const auto of_this = ContentAhead::read_in(as_bytes(good()));
  ASSERT_TRUE(of_this);
  EXPECT_TRUE(of_this->place_in(as_bytes(good())));
  const std::string before = good();
  repository_.snapshot.version = Version(repository_.snapshot.version.value() + 1);
  const std::string after = good();
  EXPECT_FALSE(of_this->place_in(as_bytes(after)));
  EXPECT_EQ(with(*of_this, after), after);
  // The old content under the new signature, and as long.
  const auto of_other = ContentAhead::read_in(as_bytes(after));
  const std::string mixed =
      after.substr(0, after.find("\"signed\":")) + before.substr(before.find("\"signed\":"));
  ASSERT_EQ(mixed.size(), after.size());
  EXPECT_NE(plain(mixed), mixed);
  EXPECT_EQ(with(*of_other, mixed), plain(mixed));
  EXPECT_EQ(with(*of_this, mixed), plain(mixed));
}

TEST_F(ContentAheadTest, ReadsWhatWillBeSigned) {
  const Draft<model::Snapshot> draft(repository_.snapshot);
  const auto content = ContentAhead::read(draft.canonical());
  ASSERT_TRUE(content);
  EXPECT_TRUE(content->is_canonical());
  EXPECT_EQ(with(*content, good()), good());
  for (const char* text : {"", " ", "1,2", "],[", "1]", "{", "{\"a\":1,\"a\":2}"})
    EXPECT_FALSE(ContentAhead::read(as_bytes(text))) << text;
  const std::string deepest = std::string(31, '[') + std::string(31, ']');
  EXPECT_TRUE(ContentAhead::read(as_bytes(deepest)));
  EXPECT_FALSE(ContentAhead::read(as_bytes("[" + deepest + "]"))) << "one level more than a file may have";
}

}  // namespace
}  // namespace cotter::trust
