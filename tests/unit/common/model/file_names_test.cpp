#include "common/model/file_names.h"

#include <gtest/gtest.h>

namespace cotter::model {
namespace {

// FMT-100
TEST(MetadataFileName, CarriesVersionWhereOneIsGiven) {
  EXPECT_EQ(metadata_file_name(RoleName("targets"), std::nullopt), "targets.json");
  EXPECT_EQ(metadata_file_name(RoleName("targets"), Version(7)), "7.targets.json");
}

// FMT-73, ATK-40: any role name stays one segment.
TEST(MetadataFileName, NeverLeavesItsFolder) {
  EXPECT_EQ(metadata_file_name(RoleName("../../root"), Version(1)), "1...%2F..%2Froot.json");
  EXPECT_EQ(metadata_file_name(RoleName("a/b?c#d"), std::nullopt), "a%2Fb%3Fc%23d.json");
  EXPECT_EQ(percent_encoded_segment(".."), "%2E%2E");
  EXPECT_EQ(percent_encoded_segment("."), "%2E");
  EXPECT_EQ(percent_encoded_segment("..a"), "..a");
  EXPECT_EQ(percent_encoded_segment("gr\xC3\xB6\xC3\x9F"
                                    "e~_-."),
            "gr%C3%B6%C3%9Fe~_-.");
  EXPECT_EQ(percent_encoded_segment("%2e"), "%252e");
  EXPECT_EQ(percent_encoded_segment(std::string_view("a\0b", 3)), "a%00b");
}

// FMT-101
TEST(TargetUrlPath, PutsDigestBeforeLastSegment) {  // INS-2
  EXPECT_EQ(target_url_path(TargetName("dir/file.bin"), "c0ffee"), "dir/c0ffee.file.bin");
  EXPECT_EQ(target_url_path(TargetName("file.bin"), "c0ffee"), "c0ffee.file.bin");
  EXPECT_EQ(target_url_path(TargetName("a/b/file.bin"), ""), "a/b/file.bin");
}

// ATK-40
TEST(TargetUrlPath, EncodesEachSegment) {
  EXPECT_EQ(target_url_path(TargetName("../x y/%2e%2e/a\\b"), "c0ffee"),
            "%2E%2E/x%20y/%252e%252e/c0ffee.a%5Cb");
}

// FMT-52, ATK-40, ATK-41
TEST(SafeTargetName, IsPlainSegmentsBetweenSlashes) {
  for (const std::string_view name : {"a", "a/b", "supplier-bosch/brake_4.2+rc1.bin", "...", "a/..b"}) {
    EXPECT_TRUE(is_safe_target_name(name)) << name;
  }
  for (const std::string_view name : {"", "/", "/etc/x", "a/", "a//b", ".", "..", "../x", "a/./b", "a/..",
                                      "a b", "a\\b", "%2e%2e", "gr\xC3\xBCn", "a\n", "a:b"}) {
    EXPECT_FALSE(is_safe_target_name(name)) << name;
  }
  EXPECT_TRUE(is_safe_target_name(std::string(255, 'a')));
  EXPECT_FALSE(is_safe_target_name(std::string(256, 'a')));
}

// FMT-73
TEST(ReleasableRoleName, IsNoTopLevelName) {
  for (const std::string_view name : {"supplier-bosch", "a.b_c", "Root", "bin-3f"}) {
    EXPECT_TRUE(is_releasable_role_name(name)) << name;
  }
  for (const std::string_view name :
       {"", "root", "timestamp", "snapshot", "targets", "a/b", "a b", "a+b", "gr\xC3\xBCn"}) {
    EXPECT_FALSE(is_releasable_role_name(name)) << name;
  }
  EXPECT_TRUE(is_releasable_role_name(std::string(64, 'a')));
  EXPECT_FALSE(is_releasable_role_name(std::string(65, 'a')));
}

// GAP-31
TEST(Identifier, IsPrintableAsciiThatMayNameAFolder) {
  for (const std::string_view name : {"WDB123", "ECU-0007", "a:b{c}", "..a", "'"})
    EXPECT_TRUE(is_identifier(name)) << name;
  for (const std::string_view name :
       {"", "a b", "a\"b", "a\\b", "a/b", "a\tb", "a\x7f", "gr\xC3\xBCn", ".", "..", "..."}) {
    EXPECT_FALSE(is_identifier(name)) << name;
  }
  EXPECT_TRUE(is_identifier(std::string(128, 'a')));
  EXPECT_FALSE(is_identifier(std::string(129, 'a')));
}

}  // namespace
}  // namespace cotter::model
