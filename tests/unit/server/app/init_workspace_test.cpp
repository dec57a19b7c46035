#include "server/app/init_workspace.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <set>

#include "common/host/atomic_file.h"
#include "common/keystore/file_keystore.h"
#include "common/model/time_source.h"
#include "server/app/director_roots.h"
#include "server/app/list_keys.h"
#include "server/app/staged_folder.h"
#include "server/repository/reader.h"
#include "tests/sim/small_disk.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using test::kCheap;
using test::secret;

constexpr UtcTime kNow{std::chrono::seconds(1'900'000'000)};

NewPassphrases passphrases(std::uint32_t holders = 3) {
  NewPassphrases all{secret("online-pass"), {}};
  for (std::uint32_t i = 0; i < holders; ++i)
    all.holders.push_back(secret("holder-pass-" + std::to_string(i)));
  return all;
}

class InitWorkspace : public testing::Test {
 protected:
  [[nodiscard]] InitPlan plan() const {
    return {.dir = temp_.path() / "ws", .offline_dir = temp_.path() / "off", .kdf = kCheap};
  }
  [[nodiscard]] const fs::path& dir() const { return temp_.path(); }

 private:
  sim::TempDir temp_;
};

TEST_F(InitWorkspace, PublishesARepositoryThatAClientTrusts) {
  const auto workspace = init_workspace(plan(), passphrases(), kNow);
  ASSERT_TRUE(workspace) << summary(workspace.error());
  const auto set = repository::read_as_client(workspace->repo_dir(), kNow);
  ASSERT_TRUE(set) << summary(set.error());
  const model::Root& root = *set->root();
  EXPECT_EQ(root.version, Version(1));
  EXPECT_TRUE(root.consistent_snapshot);
  EXPECT_EQ(root.roles.at(RoleName("root")).keyids.size(), 3U);
  EXPECT_EQ(root.roles.at(RoleName("root")).threshold, 2U);
  EXPECT_EQ(root.roles.at(RoleName("targets")).threshold, 2U);
  EXPECT_EQ(root.roles.at(RoleName("timestamp")).keyids.size(), 1U);
  EXPECT_EQ(root.expires, kNow + std::chrono::days(365));
  EXPECT_TRUE(fs::exists(workspace->director_dir() / "1.root.json"));
}

TEST_F(InitWorkspace, EveryRoleOfBothRepositoriesHasKeysOfItsOwn) {  // FMT-34
  const auto workspace = init_workspace(plan(), passphrases(), kNow);
  ASSERT_TRUE(workspace);
  const auto keys = list_keys(*workspace);
  ASSERT_TRUE(keys);
  std::set<std::string> materials;
  for (const keystore::KeyInfo& key : *keys) materials.insert(key.key.material());
  EXPECT_EQ(keys->size(), 7U + 3 * 3);
  EXPECT_EQ(materials.size(), keys->size());
}

TEST_F(InitWorkspace, TheDirectorsRootListsTheTimeSourceAndTheImageRepositorysDoesNot) {  // FMT-32, TIM-1
  const auto workspace = init_workspace(plan(), passphrases(), kNow);
  ASSERT_TRUE(workspace);
  const auto roots = DirectorRoots::read(workspace->director_dir());
  ASSERT_TRUE(roots) << summary(roots.error());
  const auto source = model::TimeSource::of(*roots->newest());
  ASSERT_TRUE(source);
  EXPECT_EQ(source->role.threshold, 1U);
  const auto keys = list_keys(*workspace);
  ASSERT_TRUE(keys);
  const auto key = find_key(*keys, "director-x-time-source");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->role, "director/x-time-source");
  EXPECT_TRUE(source->keys.contains(key->key.computed_id()));
  const auto image = repository::read_as_client(workspace->repo_dir(), kNow);
  ASSERT_TRUE(image);
  EXPECT_FALSE(model::TimeSource::of(*image->root()));
}

TEST_F(InitWorkspace, OfflineKeysAreTheirHoldersAlone) {
  ASSERT_TRUE(init_workspace(plan(), passphrases(), kNow));
  const auto online = keystore::list_keys(plan().dir / "keys");
  ASSERT_TRUE(online);
  for (const keystore::KeyInfo& key : *online) {
    EXPECT_NE(key.role, "image/root");
    EXPECT_NE(key.role, "image/targets");
    EXPECT_NE(key.role, "director/root");
  }
  const fs::path first = plan().offline_dir / "holder-1";
  EXPECT_TRUE(keystore::FileKeystore::open(first, secret("holder-pass-0")));
  EXPECT_FALSE(keystore::FileKeystore::open(first, secret("holder-pass-1")));
  EXPECT_FALSE(keystore::FileKeystore::open(first, secret("online-pass")));
}

TEST_F(InitWorkspace, NothingSecretIsReadableByOthers) {
  ASSERT_TRUE(init_workspace(plan(), passphrases(), kNow));
  for (const fs::path& dir : {plan().dir / "keys", plan().dir / "pki", plan().offline_dir}) {
    struct stat status {};
    ASSERT_EQ(::stat(dir.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U) << dir;
  }
  for (const auto& entry : fs::recursive_directory_iterator(dir())) {
    if (entry.path().extension() != ".key" && entry.path().extension() != ".db") continue;
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << entry.path();
  }
}

TEST_F(InitWorkspace, QuorumsMayDiffer) {
  InitPlan wide = plan();
  wide.root = {5, 3};
  wide.targets = {1, 1};
  const auto workspace = init_workspace(wide, passphrases(5), kNow);
  ASSERT_TRUE(workspace) << summary(workspace.error());
  const auto set = repository::read_as_client(workspace->repo_dir(), kNow);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->root()->roles.at(RoleName("root")).keyids.size(), 5U);
  EXPECT_EQ(set->root()->roles.at(RoleName("targets")).keyids.size(), 1U);
}

TEST_F(InitWorkspace, QuorumThatNobodyCanMeetIsUsage) {
  for (const KeyPlan quorum : {KeyPlan{0, 0}, KeyPlan{3, 0}, KeyPlan{2, 3}, KeyPlan{17, 2}}) {
    InitPlan bad = plan();
    bad.root = quorum;
    EXPECT_TRUE(is_fault(check_plan(bad).error(), Fault::Kind::Usage));
  }
}

TEST_F(InitWorkspace, OfflineFolderInsideTheWorkspaceIsUsage) {
  InitPlan bad = plan();
  for (const char* inside : {"ws/off", "ws", "ws/../ws/off", "ws/"}) {
    bad.offline_dir = dir() / inside;
    EXPECT_TRUE(is_fault(check_plan(bad).error(), Fault::Kind::Usage)) << inside;
  }
  bad.offline_dir = dir();
  EXPECT_TRUE(is_fault(check_plan(bad).error(), Fault::Kind::Usage))
      << "the workspace inside the offline folder";
}

TEST_F(InitWorkspace, HolderWithTheWorkspacesPassphraseIsUsage) {
  NewPassphrases same = passphrases();
  same.holders[1] = secret("online-pass");
  EXPECT_TRUE(is_fault(init_workspace(plan(), same, kNow).error(), Fault::Kind::Usage));
  EXPECT_TRUE(fs::is_empty(dir()));
}

TEST_F(InitWorkspace, ExistingWorkspaceAndHoldersAreNeverTouched) {
  ASSERT_TRUE(init_workspace(plan(), passphrases(), kNow));
  const auto before = *keystore::list_keys(plan().dir / "keys");
  InitPlan again = plan();
  again.offline_dir = dir() / "off2";
  EXPECT_TRUE(is_fault(init_workspace(again, passphrases(), kNow).error(), Fault::Kind::Conflict));
  EXPECT_FALSE(fs::exists(again.offline_dir));
  EXPECT_EQ(keystore::list_keys(plan().dir / "keys")->at(0).id, before[0].id);

  again = plan();
  again.dir = dir() / "ws2";
  EXPECT_TRUE(is_fault(init_workspace(again, passphrases(), kNow).error(), Fault::Kind::Conflict));
  EXPECT_FALSE(fs::exists(again.dir));
}

TEST_F(InitWorkspace, FolderInUseForSomethingElseIsLeftAlone) {
  fs::create_directories(plan().dir / "keys");
  ASSERT_TRUE(host::write_atomically(plan().dir / "keys" / "mine", as_bytes("x")));
  EXPECT_TRUE(is_fault(init_workspace(plan(), passphrases(), kNow).error(), Fault::Kind::Conflict));
  EXPECT_TRUE(fs::exists(plan().dir / "keys" / "mine"));
  EXPECT_FALSE(fs::exists(plan().dir / ".cotter-init"));
  EXPECT_FALSE(fs::exists(plan().offline_dir));
}

TEST_F(InitWorkspace, FullDiskLeavesNothing) {
  for (const char* size : {"16k", "48k", "80k", "128k"}) {
    const sim::SmallDisk disk(size);
    if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
    InitPlan small = plan();
    small.dir = disk.path() / "ws";
    const auto workspace = init_workspace(small, passphrases(), kNow);
    ASSERT_FALSE(workspace) << size;
    EXPECT_TRUE(is_fault(workspace.error(), Fault::Kind::NoSpace))
        << size << ": " << summary(workspace.error());
    EXPECT_TRUE(fs::is_empty(disk.path())) << size;
    EXPECT_TRUE(fs::is_empty(dir())) << size;
  }
}

TEST_F(InitWorkspace, ForeignFolderIsDenied) {
  ASSERT_EQ(::chmod(dir().c_str(), 0555), 0);
  std::optional<Result<Workspace>> workspace;
  {
    const sim::AsNobody nobody;
    workspace = init_workspace(plan(), passphrases(), kNow);
  }
  ASSERT_FALSE(*workspace);
  EXPECT_TRUE(is_fault(workspace->error(), Fault::Kind::Denied)) << summary(workspace->error());
}

TEST_F(InitWorkspace, WhatAKilledInitLeftIsReplaced) {
  fs::create_directories(plan().dir / ".cotter-init" / "keys");
  fs::create_directories(plan().dir / "pki");  // moved into place already, when the power went
  const auto workspace = init_workspace(plan(), passphrases(), kNow);
  ASSERT_TRUE(workspace) << summary(workspace.error());
  EXPECT_FALSE(fs::exists(plan().dir / ".cotter-init"));
  EXPECT_TRUE(fs::exists(plan().dir / "pki" / "ca.crt"));
}

TEST_F(InitWorkspace, TwoAtOnceInOneFolderAreToldApart) {
  const auto first = StagedFolder::in(plan().dir, host::kPublicDir);
  ASSERT_TRUE(first);
  EXPECT_TRUE(is_fault(init_workspace(plan(), passphrases(), kNow).error(), Fault::Kind::Busy));
  EXPECT_TRUE(fs::exists(first->staging())) << "the first goes on undisturbed";
}

}  // namespace
}  // namespace cotter::app
