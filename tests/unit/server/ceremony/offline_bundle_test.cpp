#include "server/ceremony/offline_bundle.h"

#include <gtest/gtest.h>

#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::ceremony {
namespace {

using test::verdict;

OfflineBundle bundle() {
  OfflineBundle bundle;
  bundle.role = RoleName("targets");
  bundle.version = Version(7);
  bundle.threshold = 2;
  bundle.summary = {"one image more"};
  bundle.signed_part = json::Object{{"_type", "targets"}, {"version", 7}};
  bundle.signatures = {{KeyId("k1"), Bytes{1, 2}}};
  return bundle;
}

/// What a reader says of this bundle's file.
Result<OfflineBundle> read_back(const OfflineBundle& written) {
  const sim::TempDir dir;
  const auto path = dir.path() / "pending" / written.file_name();
  std::filesystem::create_directories(path.parent_path());
  TRY(written.write(dir.path() / "pending"));
  return OfflineBundle::read(path);
}

TEST(OfflineBundle, IsReadAsItWasWritten) {
  const auto read = read_back(bundle());
  ASSERT_TRUE(read) << explain(read.error());
  EXPECT_EQ(read->file_name(), "image-targets-7.json");
  EXPECT_EQ(read->threshold, 2U);
  EXPECT_EQ(read->summary, bundle().summary);
  EXPECT_EQ(read->signed_part, bundle().signed_part);
  ASSERT_EQ(read->signatures.size(), 1U);
  EXPECT_EQ(read->signatures[0].bytes, (Bytes{1, 2}));
}

// Signatures are written back to the file that the role names.
TEST(OfflineBundle, IsRefusedWhereItsRoleLeadsOutOfTheFolder) {
  for (const char* role : {"../targets", "a/b", "", "bad name"}) {
    OfflineBundle other = bundle();
    other.role = RoleName(role);
    EXPECT_EQ(verdict(read_back(other)), "role-name-unsafe") << role;
  }
  OfflineBundle delegated = bundle();
  delegated.role = RoleName("team-brakes");
  EXPECT_EQ(verdict(read_back(delegated)), "accepted");
}

// 2^32 + 1 would be 1 in the 32 bits that a threshold has.
TEST(OfflineBundle, IsRefusedWithAThresholdOutOfRange) {
  const sim::TempDir dir;
  for (const char* threshold : {"0", "4294967297"}) {
    ASSERT_TRUE(bundle().write(dir.path()));
    const auto file = dir.path() / bundle().file_name();
    std::string text(as_text(*host::read_file(file, 10'000)));
    text.replace(text.find("\"threshold\": 2") + 13, 1, threshold);
    ASSERT_TRUE(host::write_atomically(file, to_bytes(text)));
    EXPECT_NE(verdict(OfflineBundle::read(file)), "accepted") << threshold;
  }
}

}  // namespace
}  // namespace cotter::ceremony
