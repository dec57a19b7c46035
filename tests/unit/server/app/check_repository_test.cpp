#include "server/app/check_repository.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/host/gzip.h"
#include "server/repository/folder_transport.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using test::kNow;

class CheckRepository : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(ws_.publish("team/ecu/a.bin", "image")); }
  [[nodiscard]] RepositoryHealth check(UtcTime now = kNow) const {
    repository::FolderTransport folder(ws_.repo());
    auto health = check_repository(folder, now, {});
    EXPECT_TRUE(health) << explain(health.error());
    return *std::move(health);
  }
  static bool says(const std::vector<std::string>& lines, const std::string& what) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(what) != std::string::npos; });
  }
  test::TestWorkspace ws_;
};

TEST_F(CheckRepository, CallsAFreshRepositoryHealthy) {
  const RepositoryHealth health = check();
  EXPECT_TRUE(health.healthy());
  EXPECT_TRUE(health.warnings.empty()) << health.warnings.front();
  EXPECT_EQ(health.images, 1U);
  EXPECT_EQ(health.image_bytes, 10U);  // under both of its names
  ASSERT_EQ(health.roles.size(), 4U);
  const RoleHealth& targets = health.roles[1];
  EXPECT_EQ(targets.role, RoleName("targets"));
  EXPECT_EQ(targets.version, Version(2));
  EXPECT_EQ(targets.signatures, 2U);
  EXPECT_EQ(targets.threshold, 2U);
  EXPECT_EQ(targets.keys, 3U);
  EXPECT_EQ(health.roles[0].signatures, 3U);
}

TEST_F(CheckRepository, WarnsOfWhatExpiresSoon) {
  const RepositoryHealth health = check(kNow + std::chrono::hours(20));
  EXPECT_TRUE(health.healthy());
  EXPECT_TRUE(says(health.warnings, "timestamp expires soon"));
  EXPECT_FALSE(says(health.warnings, "snapshot"));
}

TEST_F(CheckRepository, NamesEveryRoleThatHasExpired) {
  const RepositoryHealth health = check(kNow + std::chrono::days(8));
  EXPECT_FALSE(health.healthy());
  EXPECT_TRUE(says(health.problems, "timestamp-expired"));
  EXPECT_TRUE(says(health.problems, "snapshot expired at"));
  EXPECT_EQ(health.problems.size(), 2U);
  EXPECT_EQ(health.roles.size(), 4U);
}

TEST_F(CheckRepository, FindsAnImageThatIsMissingOrDamaged) {
  fs::path copy;
  for (const auto& entry : fs::directory_iterator(ws_.repo() / "targets/team/ecu")) copy = entry.path();
  fs::remove(copy);
  EXPECT_TRUE(says(check().problems, "image team/ecu/a.bin"));
  test::write(copy, "imagX");
  EXPECT_TRUE(says(check().problems, "image-hash-wrong"));
}

TEST_F(CheckRepository, FindsAPackedFileThatSaysSomethingElse) {  // vehicles would be served it
  const fs::path packed = ws_.repo() / "1.root.json.gz";
  ASSERT_TRUE(fs::exists(packed));
  const std::string good = test::content_of(packed), root = test::content_of(ws_.repo() / "1.root.json");
  const auto gzip = [](const std::string& text) { return std::string(as_text(host::gzip(as_bytes(text)))); };
  for (const std::string& bad : {std::string("damaged"), std::string(), good.substr(0, good.size() - 1),
                                 gzip("{}"), gzip(root + " "), gzip(root.substr(1))}) {
    test::write(packed, bad);
    const RepositoryHealth health = check();
    EXPECT_TRUE(says(health.problems, "1.root.json.gz does not unpack to 1.root.json"));
    EXPECT_EQ(health.problems.size(), 1U);
    EXPECT_EQ(health.roles.size(), 4U) << "all else is looked at too";
  }
  fs::remove(packed);
  EXPECT_TRUE(check().healthy());
}

TEST_F(CheckRepository, FindsMetadataThatIsMissingOrDamaged) {
  const fs::path snapshot = ws_.repo() / "2.snapshot.json";
  const std::string content = test::content_of(snapshot);
  test::write(snapshot, content.substr(1));
  EXPECT_TRUE(says(check().problems, "snapshot-length-wrong"));
  fs::remove(snapshot);
  EXPECT_TRUE(says(check().problems, "snapshot is not on the repository"));
  test::write(ws_.repo() / "timestamp.json", "{}");
  EXPECT_FALSE(check().healthy());
}

TEST(CheckRepositoryKeys, FindsAKeyThatServesTwoRoles) {  // FMT-34
  const test::ImageKeys keys;
  repository::FirstKeys shared = keys.first();
  shared.timestamp = shared.snapshot;
  const auto files = repository::make_image_repository(shared, test::kLifetimes, kNow);
  ASSERT_TRUE(files) << explain(files.error());
  const sim::TempDir temp;
  for (const auto& file : *files) ASSERT_TRUE(write_file(repository::Layout(temp.path()), file));
  repository::FolderTransport folder(temp.path());
  const auto health = check_repository(folder, kNow, {});
  ASSERT_TRUE(health) << explain(health.error());
  ASSERT_EQ(health->problems.size(), 1U);
  EXPECT_NE(health->problems[0].find("serves both snapshot and timestamp"), std::string::npos)
      << health->problems[0];
}

TEST_F(CheckRepository, SaysThatThereIsNoRepository) {
  const sim::TempDir empty;
  repository::FolderTransport folder(empty.path());
  const auto health = check_repository(folder, kNow, {});
  ASSERT_FALSE(health);
  EXPECT_TRUE(is_fault(health.error(), Fault::Kind::NotFound));
}

}  // namespace
}  // namespace cotter::app
