// Downloads as an outside bench sees them: what is asked for, what lies in the folder afterwards.
#include "tests/integration/tuf_client.h"

namespace cotter::test {
namespace {

using TufDownload = TufClient;

std::size_t target_requests(const std::vector<std::string>& requests) {
  return static_cast<std::size_t>(
      std::count_if(requests.begin(), requests.end(),
                    [](const std::string& path) { return path.starts_with("targets/"); }));
}

TEST_F(TufDownload, StoresTheVerifiedTargetUnderItsWholeName) {
  repo.add_target(targets_role, TargetName("path/to/a/file.txt"), "content");
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(download("path/to/a/file.txt"), 0) << said;
  const std::string digest = to_hex(crypto::sha256(as_bytes("content")));
  EXPECT_EQ(requests().back(), "targets/path/to/a/" + digest + ".file.txt");
  EXPECT_EQ(names_in(targets), std::set<std::string>{"path%2Fto%2Fa%2Ffile.txt"});
  EXPECT_EQ(content_of(targets / "path%2Fto%2Fa%2Ffile.txt"), "content");
}

TEST_F(TufDownload, UnknownTargetFailsAfterTheMetadataIsUpToDate) {
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download("nothing"), 1);
  EXPECT_NE(said.find("target-not-found"), std::string::npos) << said;
  EXPECT_EQ(version("targets"), 1);
  EXPECT_EQ(requests(), (Paths{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}));
}

TEST_F(TufDownload, TargetThatIsThereIsNotAskedForAgain) {
  repo.add_target(targets_role, TargetName("file"), "content");
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(download("file"), 0) << said;
  const auto written = std::filesystem::last_write_time(targets / "file");
  requests();
  EXPECT_EQ(download("file"), 0) << said;
  EXPECT_EQ(target_requests(requests()), 0U);
  EXPECT_EQ(std::filesystem::last_write_time(targets / "file"), written);

  write_file(targets / "file", "damaged");
  EXPECT_EQ(download("file"), 0) << said;
  EXPECT_EQ(target_requests(requests()), 1U);
  EXPECT_EQ(content_of(targets / "file"), "content");
}

TEST_F(TufDownload, ChangedTargetKeepsItsName) {
  ASSERT_EQ(init(), 0);
  for (const char* content : {"one", "another one", ""}) {
    repo.add_target(targets_role, TargetName("file"), content);
    repo.release({targets_role});
    ASSERT_EQ(download("file"), 0) << said;
    EXPECT_EQ(content_of(targets / "file"), content);
    EXPECT_EQ(names_in(targets), std::set<std::string>{"file"});
  }
}

TEST_F(TufDownload, SubstitutedTargetIsRefusedAndLeavesNothing) {
  repo.add_target(targets_role, TargetName("file"), "content");
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  for (const char* served : {"other!!", "short", "content and more"}) {
    for (auto& [path, bytes] : repo.files) {
      if (path.starts_with("targets/")) bytes = to_bytes(served);
    }
    EXPECT_EQ(download("file"), 1) << served;
    EXPECT_NE(said.find("image-"), std::string::npos) << said;
    EXPECT_EQ(names_in(targets), std::set<std::string>{}) << served;
  }
}

TEST_F(TufDownload, FailedReplacementKeepsTheOldTarget) {
  ASSERT_EQ(init(), 0);
  repo.add_target(targets_role, TargetName("file"), "old");
  repo.release({targets_role});
  ASSERT_EQ(download("file"), 0) << said;
  repo.add_target(targets_role, TargetName("file"), "new");
  repo.release({targets_role});
  std::erase_if(repo.files, [](const auto& file) { return file.first.starts_with("targets/"); });
  EXPECT_EQ(download("file"), 1);
  EXPECT_EQ(content_of(targets / "file"), "old");
  EXPECT_EQ(names_in(targets), std::set<std::string>{"file"});
}

TEST_F(TufDownload, SeveralNamesGoInOrderAndStopAtTheFirstFailure) {
  for (const char* name : {"a", "b", "c"}) repo.add_target(targets_role, TargetName(name), name);
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download_all({"b", "missing", "a"}), 1);
  EXPECT_EQ(names_in(targets), std::set<std::string>{"b"});
  requests();
  EXPECT_EQ(download_all({"c", "b", "a"}), 0) << said;
  EXPECT_EQ(names_in(targets), (std::set<std::string>{"a", "b", "c"}));
  const auto asked = requests();
  EXPECT_EQ(target_requests(asked), 2U);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "timestamp.json"), 1);
}

TEST_F(TufDownload, NoTargetNameLeavesTheFolder) {  // FMT-52
  const std::vector<std::string> names = {
      "../escape", "/etc/passwd", "..",    ".",        "a/../../b",
      "x%2Fy",     "späße",       "a b#?", "c\\..\\d", std::string(400, 'n')};
  for (const std::string& name : names) repo.add_target(targets_role, TargetName(name), "in " + name);
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  for (const std::string& name : names) EXPECT_EQ(download(name), 0) << name << ": " << said;
  EXPECT_EQ(names_in(targets).size(), names.size());
  EXPECT_EQ(names_in(dir.path()), (std::set<std::string>{"metadata", "root.json", "targets"}));
  EXPECT_EQ(content_of(targets / "%2E%2E"), "in ..");
  EXPECT_EQ(content_of(targets / "x%252Fy"), "in x%2Fy");
}

TEST_F(TufDownload, TargetListedWithSha512AloneIsFoundByIt) {
  repo.add_target(targets_role, TargetName("file"), "content");
  crypto::Hashes sha512_alone;
  sha512_alone.set(crypto::HashFunction::Sha512,
                   crypto::digest(crypto::HashFunction::Sha512, as_bytes("content")));
  repo.targets().targets[TargetName("file")].hashes = sha512_alone;
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download("file"), 0) << said;
}

TEST_F(TufDownload, LeftoversOfAKilledRunAreCleared) {
  repo.add_target(targets_role, TargetName("file"), "content");
  repo.release({targets_role});
  std::filesystem::create_directory(targets);
  write_file(targets / "%partial-abc123", "half");
  write_file(targets / "mine", "not ours to touch");
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(download("file"), 0) << said;
  EXPECT_EQ(names_in(targets), (std::set<std::string>{"file", "mine"}));
}

TEST_F(TufDownload, SaysAsJsonWhatIsTrustedAndThere) {
  repo.add_target(targets_role, TargetName("file"), "content");
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(run_client({"--json", "--metadata-dir", metadata.string(), "--metadata-url",
                        server.url() + "/repo", "--target-name", "file", "--target-base-url",
                        server.url() + "/repo/targets", "--target-dir", targets.string(), "download"},
                       0, &said),
            0);
  const auto report = json::read(as_bytes(said));
  ASSERT_TRUE(report) << said;
  const json::Object expected = {
      {"image", json::Object{{"root", 1}, {"timestamp", 2}, {"snapshot", 2}, {"targets", 2}}},
      {"targets", json::Object{{"file", (targets / "file").string()}}}};
  EXPECT_EQ(*report->as_object(), expected) << said;
}

TEST_F(TufDownload, OptionsComeInAnyOrderAndMissingOnesAreNamed) {
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(run_client({"refresh"}, 0, &said), 1);
  EXPECT_NE(said.find("--metadata-dir"), std::string::npos) << said;
  EXPECT_EQ(run_client({"--metadata-dir", metadata.string(), "refresh"}, 0, &said), 1);
  EXPECT_EQ(run_client({"--metadata-dir", metadata.string(), "--surprise", "x", "refresh"}, 0, &said), 1);
  EXPECT_EQ(run_client({}, 0, &said), 1);
  EXPECT_EQ(run_client({"--help"}, 0, &said), 0);
  EXPECT_EQ(run_client({"--version"}, 0, &said), 0);
  EXPECT_EQ(run_client({"--metadata-dir=" + metadata.string(), "--metadata-url=" + server.url() + "/repo//",
                        "refresh"},
                       0, &said),
            1);  // a base address is used as given
}

}  // namespace
}  // namespace cotter::test
