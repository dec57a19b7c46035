#include "client/store/metadata_folder.h"

#include <gtest/gtest.h>

#include <fstream>

#include "client/store/local_name.h"
#include "common/disk/posix_disk.h"
#include "common/model/roles.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/temp_dir.h"

namespace cotter::client {
namespace {

using trust::Effect;
using trust::Forget;
using trust::Store;

class MetadataFolderTest : public ::testing::Test {
 protected:
  Result<void> commit(const std::vector<Effect>& effects) {
    return folder.commit(Repository::Image, effects);
  }
  std::optional<Bytes> load(const RoleName& role) {
    auto loaded = folder.load(Repository::Image, role);
    EXPECT_TRUE(loaded);
    return loaded ? *loaded : std::nullopt;
  }
  std::set<std::string> names() {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path() / "metadata")) {
      all.insert(entry.path().filename().string());
    }
    return all;
  }
  sim::TempDir dir;
  disk::PosixDisk disk;
  MetadataFolder folder{disk, Repository::Image, dir.path() / "metadata"};
};

TEST_F(MetadataFolderTest, PinMakesTheFolderAndKeepsTheRootByteForByte) {
  EXPECT_EQ(load(model::root_role()), std::nullopt);
  ASSERT_TRUE(folder.pin(as_bytes("{ \"root\" : 1 }\n")));
  EXPECT_EQ(load(model::root_role()), to_bytes("{ \"root\" : 1 }\n"));
  EXPECT_EQ(names(), std::set<std::string>{"root.json"});
}

// VER-8
TEST_F(MetadataFolderTest, StoresAndForgetsInOneBatch) {
  ASSERT_TRUE(folder.pin(as_bytes("1")));
  ASSERT_TRUE(commit({Store{model::timestamp_role(), Version(1), to_bytes("t")},
                      Store{model::snapshot_role(), Version(1), to_bytes("s")}}));
  ASSERT_TRUE(commit({Store{model::root_role(), Version(2), to_bytes("2")}, Forget{model::timestamp_role()},
                      Forget{model::snapshot_role()}, Forget{model::targets_role()}}));
  EXPECT_EQ(load(model::root_role()), to_bytes("2"));
  EXPECT_EQ(load(model::timestamp_role()), std::nullopt);
  EXPECT_EQ(names(), std::set<std::string>{"root.json"});
}

// VER-8, whatever the moment: never the old root without the floors that it signed.
TEST_F(MetadataFolderTest, KilledAtAnyStepItNeverLosesAFloorUnderTheOldRoot) {
  const std::vector<Effect> before = {Store{model::root_role(), Version(1), to_bytes("1")},
                                      Store{model::timestamp_role(), Version(1), to_bytes("t")},
                                      Store{model::snapshot_role(), Version(1), to_bytes("s")}};
  ASSERT_TRUE(folder.pin(as_bytes("1")));
  for (unsigned step = 1;; ++step) {
    ASSERT_TRUE(commit(before));
    const sim::Death death = sim::run_until_step(step, [&] {
      return commit({Forget{model::timestamp_role()}, Forget{model::snapshot_role()},
                     Store{model::root_role(), Version(2), to_bytes("2")}})
          .has_value();
    });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "no process may be traced here";
    ASSERT_NE(death, sim::Death::Failed) << "step " << step;
    if (load(model::root_role()) == to_bytes("1")) {
      EXPECT_EQ(load(model::timestamp_role()), to_bytes("t")) << "step " << step;
      EXPECT_EQ(load(model::snapshot_role()), to_bytes("s")) << "step " << step;
    } else {
      EXPECT_EQ(load(model::root_role()), to_bytes("2")) << "step " << step;
    }
    if (death == sim::Death::Finished) break;
  }
  EXPECT_EQ(load(model::timestamp_role()), std::nullopt);
}

TEST_F(MetadataFolderTest, RoleNamesStayInTheFolder) {  // FMT-73
  ASSERT_TRUE(folder.pin(as_bytes("1")));
  const std::vector<std::string> roles = {
      "../up", "/abs", "..", ".", "a b", std::string(1000, 'r'), std::string(999, 'r') + "s"};
  for (const std::string& role : roles) {
    ASSERT_TRUE(commit({Store{RoleName(role), Version(1), to_bytes(role)}})) << role;
  }
  for (const std::string& role : roles) EXPECT_EQ(load(RoleName(role)), to_bytes(role));
  EXPECT_EQ(names().size(), roles.size() + 1);
  for (const std::string& name : names()) EXPECT_TRUE(name.ends_with(".json")) << name;
}

TEST_F(MetadataFolderTest, FolderThatCannotBeWrittenIsAFault) {
  EXPECT_FALSE(commit({Store{model::timestamp_role(), Version(1), to_bytes("t")}}));
  std::ofstream(dir.path() / "file") << "no folder";
  MetadataFolder blocked(disk, Repository::Image, dir.path() / "file" / "metadata");
  EXPECT_FALSE(blocked.pin(as_bytes("1")));
}

TEST(LocalName, IsOneForEachName) {
  EXPECT_EQ(local_name("a/b"), "a%2Fb");
  EXPECT_EQ(local_name("."), "%2E");
  const std::string one = local_name(std::string(500, 'x')), other = local_name(std::string(501, 'x'));
  EXPECT_NE(one, other);
  EXPECT_LE(one.size(), 200U);
  EXPECT_NE(local_name(one), one);
}

}  // namespace
}  // namespace cotter::client
