// The refresh workflow as an outside bench sees it: files, requests, exit codes.
#include "tests/integration/tuf_client.h"

namespace cotter::test {
namespace {

using TufRefresh = TufClient;

TEST_F(TufRefresh, FirstRefreshFetchesEachRoleOnceAndStoresItByteForByte) {  // VER-16, VER-28
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(requests(), Paths{});
  EXPECT_EQ(names_in(metadata), std::set<std::string>{"root.json"});
  ASSERT_EQ(refresh(), 0) << said;
  EXPECT_EQ(requests(), (Paths{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}));
  for (const RoleName& role : {root_role, timestamp_role, snapshot_role, targets_role}) {
    EXPECT_EQ(trusted(role.value()), served(role)) << role.value();
  }
  EXPECT_EQ(names_in(metadata),
            (std::set<std::string>{"root.json", "timestamp.json", "snapshot.json", "targets.json"}));
}

TEST_F(TufRefresh, SecondRefreshAsksOnlyForRootAndTimestamp) {
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0);
  requests();
  EXPECT_EQ(refresh(), 0) << said;
  EXPECT_EQ(requests(), (Paths{"2.root.json", "timestamp.json"}));
}

TEST_F(TufRefresh, InitRefusesRootThatItsOwnThresholdDidNotSign) {  // VER-1
  repo.tamper(root_role, [](json::Object&) {}, {sim::key("stranger")});
  first_root = repo.file_of(root_role);
  EXPECT_EQ(init(), 1);
  EXPECT_EQ(refresh(), 1);
  EXPECT_NE(said.find("init"), std::string::npos) << said;
  EXPECT_EQ(requests(), Paths{});
  EXPECT_EQ(names_in(metadata), std::set<std::string>{});
}

TEST_F(TufRefresh, InitAgainKeepsWhatIsStored) {
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0);
  EXPECT_EQ(init(), 0);
  EXPECT_EQ(version("targets"), 1);
  EXPECT_EQ(refresh(), 0);
}

TEST_F(TufRefresh, CorruptStoredRootIsACleanErrorWithoutRequests) {
  ASSERT_EQ(init(), 0);
  write_file(metadata / "root.json", "{\"signed\":");
  EXPECT_EQ(refresh(), 1);
  EXPECT_NE(said.find("hint:"), std::string::npos) << said;
  EXPECT_EQ(requests(), Paths{});
}

// VER-REC: nothing that a disk does to the other files outlives the next refresh.
TEST_F(TufRefresh, RecoversFromEachStoredFileDamagedOrLost) {
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0);
  for (const char* role : {"timestamp", "snapshot", "targets"}) {
    const std::string good = trusted(role);
    for (const std::string& damage :
         {std::string(), std::string("{}"), good.substr(0, good.size() / 2), "[" + good + "]"}) {
      write_file(metadata / (std::string(role) + ".json"), damage);
      EXPECT_EQ(refresh(), 0) << role << ": " << said;
      EXPECT_EQ(trusted(role), good) << role;
    }
    std::filesystem::remove(metadata / (std::string(role) + ".json"));
    EXPECT_EQ(refresh(), 0) << role << ": " << said;
    EXPECT_EQ(trusted(role), good) << role;
  }
}

TEST_F(TufRefresh, WalksAllRootsAndStoresTheLast) {  // VER-2
  ASSERT_EQ(init(), 0);
  for (int i = 0; i < 3; ++i) {
    const sim::Keys before = repo.signers[root_role];
    repo.rotate(root_role);
    repo.signers[root_role].insert(repo.signers[root_role].end(), before.begin(), before.end());
    repo.publish(root_role);
  }
  ASSERT_EQ(refresh(), 0) << said;
  EXPECT_EQ(version("root"), 4);
  EXPECT_EQ(trusted("root"), served(root_role));
  EXPECT_EQ(requests(), (Paths{"2.root.json", "3.root.json", "4.root.json", "5.root.json", "timestamp.json",
                               "1.snapshot.json", "1.targets.json"}));
}

TEST_F(TufRefresh, RootOfWrongVersionIsRefusedAndNotStored) {  // VER-4
  ASSERT_EQ(init(), 0);
  repo.root.version = Version(3);
  repo.publish(root_role);
  repo.files["2.root.json"] = repo.files["3.root.json"];
  EXPECT_EQ(refresh(), 1);
  EXPECT_NE(said.find("root-version-not-next"), std::string::npos) << said;
  EXPECT_EQ(version("root"), 1);
}

TEST_F(TufRefresh, ExpiredNewRootIsStoredButEndsTheRefresh) {  // VER-7
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0);
  repo.root.expires = in_days(-1);
  repo.publish(root_role);
  repo.release({targets_role});
  EXPECT_EQ(refresh(), 1);
  EXPECT_EQ(version("root"), 2);
  EXPECT_EQ(version("timestamp"), 1);
}

TEST_F(TufRefresh, ExpiredTrustedRootLeadsToANewerOne) {  // VER-5
  repo.root.expires = in_days(-1);
  repo.root.version = Version(1);
  repo.publish_again(root_role);
  first_root = repo.file_of(root_role);
  repo.root.expires = in_days(30);
  repo.publish(root_role);
  EXPECT_EQ(init(), 0);
  EXPECT_EQ(refresh(), 0) << said;
  EXPECT_EQ(version("root"), 2);
}

TEST_F(TufRefresh, ExpiredFilesAreNotStored) {  // VER-15, VER-27, VER-35
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0);
  repo.timestamp.expires = in_days(-1);
  repo.publish(timestamp_role);
  EXPECT_EQ(refresh(), 1);
  EXPECT_EQ(version("timestamp"), 1);
  EXPECT_NE(said.find("freeze"), std::string::npos) << said;

  repo.timestamp.expires = in_days(30);
  repo.snapshot.expires = in_days(-1);
  repo.release({});
  EXPECT_EQ(refresh(), 1);
  EXPECT_EQ(version("timestamp"), 3);
  EXPECT_EQ(version("snapshot"), 1);

  repo.snapshot.expires = in_days(30);
  repo.targets().expires = in_days(-1);
  repo.release({targets_role});
  EXPECT_EQ(refresh(), 1);
  EXPECT_EQ(version("snapshot"), 3);
  EXPECT_EQ(version("targets"), 1);

  repo.targets().expires = in_days(30);
  repo.release({targets_role});
  EXPECT_EQ(refresh(), 0) << said;
  EXPECT_EQ(version("targets"), 3);
}

TEST_F(TufRefresh, ClockIsTheCLibrarys) {
  repo.timestamp.expires = in_days(7);
  repo.publish(timestamp_role);
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(refresh(), 0) << said;
  EXPECT_EQ(refresh(18), 1);
  repo.timestamp.expires = in_days(21);
  repo.release({targets_role});
  EXPECT_EQ(refresh(18), 0) << said;
  EXPECT_EQ(version("targets"), 2);
}

// python-tuf 1498: expiry ends a file's use, not its service as a floor.
TEST_F(TufRefresh, ExpiredStoredTimestampIsStillAFloor) {  // VER-15
  repo.timestamp.expires = in_days(7);
  repo.timestamp.version = Version(5);
  repo.publish(timestamp_role);
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0) << said;
  repo.timestamp.version = Version(4);
  repo.timestamp.expires = in_days(21);
  repo.publish(timestamp_role);
  EXPECT_EQ(refresh(18), 1);
  EXPECT_NE(said.find("timestamp-older-than-trusted"), std::string::npos) << said;
  EXPECT_EQ(version("timestamp"), 5);
}

TEST_F(TufRefresh, TimestampOfEqualVersionIsDroppedQuietly) {
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0);
  const std::string first = trusted("timestamp");
  repo.timestamp.snapshot.version = Version(100);
  repo.publish_again(timestamp_role);
  EXPECT_EQ(refresh(), 0) << said;
  EXPECT_EQ(trusted("timestamp"), first);
}

TEST_F(TufRefresh, RollbackOfEachRoleIsRefused) {  // FMT-4
  ASSERT_EQ(init(), 0);
  repo.release({targets_role});
  ASSERT_EQ(refresh(), 0);

  repo.timestamp.version = Version(1);
  repo.publish(timestamp_role);
  requests();
  EXPECT_EQ(refresh(), 1);
  EXPECT_EQ(requests().back(), "timestamp.json");
  EXPECT_EQ(version("timestamp"), 2);

  repo.timestamp.version = Version(3);
  repo.timestamp.snapshot.version = Version(1);
  repo.publish(timestamp_role);
  EXPECT_EQ(refresh(), 1);
  EXPECT_EQ(requests().back(), "timestamp.json");
  EXPECT_EQ(version("timestamp"), 2);

  repo.targets().version = Version(1);
  repo.publish(targets_role);
  repo.release({});
  EXPECT_EQ(refresh(), 1);
  EXPECT_NE(said.find("snapshot-targets-older"), std::string::npos) << said;
  EXPECT_EQ(version("timestamp"), 4);
  EXPECT_EQ(version("snapshot"), 2);
  EXPECT_EQ(version("targets"), 2);
}

TEST_F(TufRefresh, TargetsThatVanishFromTheSnapshotAreRefused) {  // VER-26
  repo.delegate(targets_role, sim::delegated("supplier"));
  repo.release({RoleName("supplier"), targets_role});
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0) << said;
  repo.snapshot.meta.erase(RoleName("supplier"));
  repo.release({});
  EXPECT_EQ(refresh(), 1);
  EXPECT_NE(said.find("snapshot-targets-vanished"), std::string::npos) << said;
}

TEST_F(TufRefresh, FilesThatDifferFromWhatTheirParentListsAreRefused) {  // FMT-46, VER-32
  for (const bool hashes : {true, false}) {
    repo.list_hashes = hashes;
    repo.release({targets_role});
    ASSERT_EQ(init(), 0);
    ASSERT_EQ(refresh(), 0) << said;
    const auto before = version("targets");
    repo.release({targets_role});
    const Bytes honest = repo.file_of(targets_role);
    repo.tamper(
        targets_role, [](json::Object& file) { file.set("version", 77); }, repo.signers[targets_role]);
    EXPECT_EQ(refresh(), 1);
    EXPECT_EQ(version("targets"), before);
    repo.files[repo.path_of(targets_role)] = honest;
    EXPECT_EQ(refresh(), 0) << said;
  }
}

TEST_F(TufRefresh, SnapshotWithoutTargetsIsRefusedBeforeAnyRequestForThem) {
  ASSERT_EQ(init(), 0);
  repo.snapshot.meta = {};
  repo.release({});
  EXPECT_EQ(refresh(), 1);
  EXPECT_EQ(requests().back(), "2.snapshot.json");
}

TEST_F(TufRefresh, ReadsRepositoriesWithoutConsistentSnapshots) {  // VER-10
  repo.root.consistent_snapshot = false;
  repo.publish_again(root_role);
  first_root = repo.file_of(root_role);
  repo.release({targets_role});
  repo.add_target(targets_role, TargetName("dir/file"), "content");
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(download("dir/file"), 0) << said;
  EXPECT_EQ(requests(),
            (Paths{"2.root.json", "timestamp.json", "snapshot.json", "targets.json", "targets/dir/file"}));
}

TEST_F(TufRefresh, UnknownMembersAreKeptAndSigned) {  // FMT-9
  repo.root.unknown.set("x-owner", "somebody");
  repo.root.roles[snapshot_role].unknown.set("x-note", json::Object{{"a", 1}});
  repo.root.spec_version = "1.0";
  repo.publish(root_role);
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(refresh(), 0) << said;
  EXPECT_EQ(version("root"), 2);
}

}  // namespace
}  // namespace cotter::test
