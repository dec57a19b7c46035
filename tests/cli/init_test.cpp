// cotter init and cotter key as an operator meets them: words, JSON, modes and exit codes of the real
// program.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "common/json/strict_reader.h"
#include "tests/sim/small_disk.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/process.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kRefused = 3;
constexpr int kNotFound = 4;

constexpr const char* kOnline = "the workspace's words";
constexpr const char* kHolder = "a holder's own words";

json::Value parsed(const std::string& text) {
  const auto value = json::read(as_bytes(text));
  EXPECT_TRUE(value) << text;
  return value ? *value : json::Value();
}
const json::Value& member(const json::Value& value, const char* name) {
  return *value.as_object()->find(name);
}
bool says(const std::string& text, const char* what) { return text.find(what) != std::string::npos; }

Ended run(std::vector<std::string> arguments, const char* online = kOnline, const char* holder = kHolder) {
  return world::run({.program = COTTER,
                     .arguments = std::move(arguments),
                     .environment = {{"COTTER_PASSPHRASE", online}, {"COTTER_PASSPHRASE_HOLDER", holder}},
                     .log = {}})
      .value();
}

/// Through a shell without a terminal and without our variables, for what it does to file descriptors.
Ended shell(const std::string& line) {
  const std::string script = "unset COTTER_PASSPHRASE COTTER_PASSPHRASE_HOLDER COTTER_WORKSPACE; " + line;
  return world::run({.program = "/usr/bin/setsid",
                     .arguments = {"-w", "/bin/sh", "-c", script, COTTER},
                     .environment = {},
                     .log = {}})
      .value();
}

/// One workspace for the tests that only look at it.
class KeyCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    const Ended made = run({"init", workspace(), "--offline-dir", holders()});
    ASSERT_EQ(made.exit_code, kDone) << made.err;
  }
  static void TearDownTestSuite() { folder.reset(); }
  static std::string workspace() { return (folder->path() / "workspace").string(); }
  static std::string holders() { return (folder->path() / "holders").string(); }
  static Ended key(std::vector<std::string> arguments, const char* online = kOnline) {
    arguments.insert(arguments.begin(), {"-C", workspace(), "key"});
    return run(std::move(arguments), online);
  }
  static json::Array listed() { return *member(parsed(key({"list", "--json"}).out), "keys").as_array(); }

  static std::unique_ptr<sim::TempDir> folder;
};
std::unique_ptr<sim::TempDir> KeyCommand::folder;

class InitCommand : public testing::Test {
 protected:
  [[nodiscard]] std::string workspace() const { return (temp_.path() / "workspace").string(); }
  [[nodiscard]] std::string holders() const { return (temp_.path() / "holders").string(); }
  [[nodiscard]] bool left_nothing() const { return fs::is_empty(temp_.path()); }
  [[nodiscard]] const fs::path& dir() const { return temp_.path(); }

 private:
  sim::TempDir temp_;
};

TEST_F(InitCommand, SaysWhatItMadeAndWhatComesNext) {
  const Ended made = run({"init", workspace(), "--offline-dir", holders()});
  EXPECT_EQ(made.exit_code, kDone);
  EXPECT_TRUE(made.err.empty()) << made.err;
  EXPECT_TRUE(says(made.out, workspace().c_str()));
  EXPECT_TRUE(says(made.out, (holders() + "/holder-1 to holder-3").c_str())) << made.out;
  EXPECT_TRUE(says(made.out, "2 of 3 keys sign"));
  for (const char* name : {"cotter.toml", "cotter.db", "keys", "repo/timestamp.json", "repo/1.root.json",
                           "director/1.root.json", "pending", "pki/ca.crt", "pki/server.key"}) {
    EXPECT_TRUE(fs::exists(fs::path(workspace()) / name)) << name;
  }
}

TEST_F(InitCommand, JsonIsOneDocumentWithTheNumbersAskedFor) {
  const Ended made = run({"init", "--json", workspace(), "--offline-dir", holders(), "--root-keys", "4",
                          "--root-threshold", "3", "--targets-keys", "1", "--targets-threshold", "1"});
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  const json::Value document = parsed(made.out);
  EXPECT_EQ(*member(document, "workspace").as_string(), workspace());
  EXPECT_EQ(member(document, "holders").as_array()->size(), 4U);
  EXPECT_EQ(member(member(document, "root"), "threshold"), json::Value(3));
  EXPECT_EQ(member(member(document, "targets"), "keys"), json::Value(1));
}

TEST_F(InitCommand, PassphrasesComeByFileDescriptor) {
  const Ended made = shell("exec \"$0\" init " + workspace() + " --offline-dir " + holders() +
                           " --passphrase-fd 3 --holder-passphrase-fd 4 3<<A 4<<B\nthe online one\nA\n"
                           "of holder 1\nof holder 2\nof holder 3\nB\n");
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  const auto opens = [&](const char* holder, const char* passphrase) {
    return run({"key", "generate", "--dir", holders() + "/" + holder, "--name", "try"}, kOnline, passphrase)
        .exit_code;
  };
  EXPECT_EQ(opens("holder-2", "of holder 1"), kRefused);
  EXPECT_EQ(opens("holder-2", "of holder 2"), kDone);
}

TEST_F(InitCommand, TooFewLinesForTheHoldersIsUsageAndLeavesNothing) {
  const Ended made =
      shell("exec \"$0\" init " + workspace() + " --offline-dir " + holders() +
            " --passphrase-fd 3 --holder-passphrase-fd 4 3<<A 4<<B\nthe online one\nA\nof holder 1\nB\n");
  EXPECT_EQ(made.exit_code, kUsage) << made.err;
  EXPECT_TRUE(says(made.err, "no line left"));
  EXPECT_TRUE(left_nothing());
}

TEST_F(InitCommand, WithoutAPassphraseSaysHowToGiveOne) {
  const Ended made = shell("exec \"$0\" init " + workspace() + " --offline-dir " + holders() + " </dev/null");
  EXPECT_EQ(made.exit_code, kUsage);
  EXPECT_TRUE(says(made.err, "hint: set COTTER_PASSPHRASE")) << made.err;
  EXPECT_TRUE(left_nothing());
}

TEST_F(InitCommand, ShortOrSharedPassphraseIsUsageAndLeavesNothing) {
  EXPECT_EQ(run({"init", workspace(), "--offline-dir", holders()}, "short").exit_code, kUsage);
  const Ended shared = run({"init", workspace(), "--offline-dir", holders()}, kOnline, kOnline);
  EXPECT_EQ(shared.exit_code, kUsage);
  EXPECT_TRUE(says(shared.err, "error: a holder's passphrase is the workspace's")) << shared.err;
  EXPECT_TRUE(left_nothing());
}

TEST_F(InitCommand, ExistingWorkspaceIsLeftAsItIs) {
  ASSERT_EQ(run({"init", workspace(), "--offline-dir", holders()}).exit_code, kDone);
  const Ended again = run({"init", workspace(), "--offline-dir", holders() + "2"});
  EXPECT_EQ(again.exit_code, kFailed);
  EXPECT_TRUE(says(again.err, "is a workspace already")) << again.err;
  EXPECT_TRUE(says(again.err, "hint: "));
  EXPECT_FALSE(fs::exists(holders() + "2"));
}

TEST_F(InitCommand, MissingParentFolderIsNotFound) {
  const Ended made = run({"init", workspace() + "/deeper", "--offline-dir", holders()});
  EXPECT_EQ(made.exit_code, kNotFound) << made.err;
  EXPECT_TRUE(left_nothing());
}

TEST_F(InitCommand, FullDiskIsSaidAndLeavesNothing) {
  const sim::SmallDisk disk("64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  const Ended made = run({"init", (disk.path() / "ws").string(), "--offline-dir", holders()});
  EXPECT_EQ(made.exit_code, kFailed);
  EXPECT_TRUE(says(made.err, "error: ")) << made.err;
  EXPECT_TRUE(says(made.err, "nothing was changed")) << made.err;
  EXPECT_TRUE(fs::is_empty(disk.path()));
  EXPECT_TRUE(left_nothing());
}

TEST_F(InitCommand, KilledAtAnyMomentTheNextOneMakesAWholeWorkspace) {
  for (const int part : {1, 2, 3, 4}) {  // of a second: in the middle of the keys, and later
    const std::string line = "timeout -s KILL 0." + std::to_string(part) + " \"$0\" init " + workspace() +
                             " --offline-dir " + holders() +
                             " --passphrase-fd 3 --holder-passphrase-fd 4 3<<A 4<<B\nthe online one\nA\n"
                             "of holder 1\nof holder 2\nof holder 3\nB\n";
    (void)shell(line);
    EXPECT_EQ(fs::exists(workspace() + "/cotter.toml"),
              fs::exists(workspace() + "/repo/timestamp.json") && fs::exists(holders() + "/holder-3"));
    if (fs::exists(workspace() + "/cotter.toml")) break;
    fs::remove_all(holders());
  }
  if (!fs::exists(workspace() + "/cotter.toml")) {
    const Ended made = run({"init", workspace(), "--offline-dir", holders()});
    EXPECT_EQ(made.exit_code, kDone) << made.err;
  }
  EXPECT_EQ(run({"-C", workspace(), "key", "list"}).exit_code, kDone);
}

TEST_F(KeyCommand, ListNeedsNoPassphrase) {
  const Ended list = shell("exec \"$0\" key list -C " + workspace() + " </dev/null");
  ASSERT_EQ(list.exit_code, kDone) << list.err;
  for (const char* word :
       {"NAME", "HOLDER", "DEPENDS ON IT", "image-snapshot", "director-targets",
        "director/x-time-source, 1 of 1", "image-root-1", "holder-3", "image/targets, 2 of 3", "ed25519"}) {
    EXPECT_TRUE(says(list.out, word)) << word;
  }
  EXPECT_FALSE(says(list.out, "\033"));
}

TEST_F(KeyCommand, ListAsJsonSaysAllOfEachKey) {
  const json::Array keys = listed();
  ASSERT_GE(keys.size(), 15U);
  for (const json::Value& one : keys) {
    EXPECT_EQ(member(one, "keyid").as_string()->size(), 64U);
    const bool is_tls = member(one, "name").as_string()->starts_with("pki-");
    EXPECT_EQ(*member(one, "scheme").as_string(), is_tls ? "ecdsa-sha2-nistp256" : "ed25519");
    EXPECT_TRUE(fs::exists(member(one, "file").as_string()->view()));
  }
}

TEST_F(KeyCommand, ListKnowsTheKeysOfHoldersWhoseFoldersWereTakenAway) {
  fs::rename(holders(), holders() + "-away");
  const json::Array away = listed();
  const Ended table = key({"list"});
  fs::rename(holders() + "-away", holders());
  const json::Array there = listed();
  EXPECT_EQ(away.size(), there.size());
  const auto out_of_reach = std::count_if(away.begin(), away.end(), [](const json::Value& one) {
    return member(one, "within_reach") == json::Value(false) && member(one, "file").is_null();
  });
  EXPECT_EQ(out_of_reach, 9);
  EXPECT_TRUE(says(table.out, "image-root-2            holder-2  away")) << table.out;
}

TEST_F(KeyCommand, ListSaysWhenAKeySignedAndWhatDependsOnIt) {
  for (const json::Value& one : listed()) {
    const std::string name = *member(one, "name").as_string();
    if (name != "image-targets-2") continue;
    EXPECT_EQ(*member(one, "custodian").as_string(), "holder-2");
    EXPECT_EQ(member(one, "used").as_string()->size(), 20U) << "it signed the first targets";
    EXPECT_EQ(member(one, "dead"), json::Value(false));
    const json::Value& use = *member(one, "depends").as_array()->begin();
    EXPECT_EQ(*member(use, "role").as_string(), "image/targets");
    EXPECT_EQ(member(use, "threshold"), json::Value(2));
    EXPECT_EQ(member(use, "keys"), json::Value(3));
    EXPECT_EQ(member(use, "expires"), member(one, "expires"));
    return;
  }
  ADD_FAILURE() << "not listed";
}

TEST_F(KeyCommand, ListCallsAKeyDeadThatNoMetadataLists) {
  ASSERT_EQ(key({"generate", "--name", "spare", "--role", "image/spare"}).exit_code, kDone);
  const Ended list = key({"list"});
  const json::Value shown = parsed(key({"show", "spare", "--json"}).out);
  fs::remove(fs::path(workspace()) / "keys" / "spare.key");
  EXPECT_TRUE(says(list.out, "nothing\n")) << list.out;
  EXPECT_TRUE(says(list.out, "1 key is for nothing: no root and no delegation lists it\n")) << list.out;
  EXPECT_EQ(member(shown, "dead"), json::Value(true));
  EXPECT_TRUE(member(shown, "used").is_null());
}

TEST_F(KeyCommand, ListFitsOnA120ColumnTerminal) {
  std::istringstream lines(key({"list"}).out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120U) << line;
}

TEST_F(KeyCommand, ShowGivesThePublicKeyAsMetadataHasIt) {
  const json::Value shown = parsed(key({"show", "image-root-1", "--json"}).out);
  EXPECT_EQ(*member(shown, "role").as_string(), "image/root");
  EXPECT_EQ(*member(member(shown, "key"), "keytype").as_string(), "ed25519");
  EXPECT_TRUE(
      says(key({"show", "image-root-1"}).out, std::string(*member(shown, "keyid").as_string()).c_str()));
  const Ended none = key({"show", "image-root-9"});
  EXPECT_EQ(none.exit_code, kNotFound);
  EXPECT_TRUE(says(none.err, "error: no key named \"image-root-9\""));
}

TEST_F(KeyCommand, GenerateMakesAKeyOfTheOwnersAlone) {
  const Ended made =
      key({"generate", "--store", "file", "--name", "image-brakes", "--role", "image/brakes", "--json"});
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  const std::string file = *member(parsed(made.out), "file").as_string();
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  EXPECT_EQ(fs::path(file).parent_path(), fs::path(workspace()) / "keys");
  EXPECT_EQ(key({"generate", "--name", "image-brakes"}).exit_code, kFailed) << "the name is taken";
  EXPECT_EQ(key({"generate", "--name", "../up"}).exit_code, kUsage);
  EXPECT_EQ(key({"generate", "--name", "x", "--store", "pkcs12"}).exit_code, kUsage);
}

TEST_F(KeyCommand, GenerateStartsAFolderOfItsOwn) {
  const std::string dir = (folder->path() / "supplier").string();
  const Ended made =
      run({"key", "generate", "--dir", dir, "--name", "brakes"}, kOnline, "the supplier's words");
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  EXPECT_EQ(run({"key", "generate", "--dir", dir, "--name", "two"}, kOnline, "something else").exit_code,
            kRefused);
  const Ended list = run({"key", "list", "--dir", dir});
  EXPECT_EQ(list.exit_code, kDone);
  EXPECT_TRUE(says(list.out, "brakes"));
}

TEST_F(KeyCommand, WrongPassphraseIsRefusedInPlainWords) {
  const Ended made = key({"generate", "--name", "another"}, "not the workspace's");
  EXPECT_EQ(made.exit_code, kRefused);
  EXPECT_TRUE(says(made.err, "wrong passphrase")) << made.err;
  EXPECT_TRUE(says(made.err, "hint: "));
  EXPECT_FALSE(says(made.err, "not the workspace's")) << "a passphrase is never printed";
}

TEST_F(KeyCommand, OfflineKeyIsNeverMadeInTheWorkspace) {
  const Ended made = key({"generate", "--name", "image-root-4"});
  EXPECT_EQ(made.exit_code, kRefused);
  EXPECT_TRUE(says(made.err, "hint: ")) << made.err;
}

TEST_F(KeyCommand, TruncatedKeyFileIsNamed) {
  const fs::path copy = folder->path() / "copy";
  fs::create_directory(copy);
  fs::copy(fs::path(holders()) / "holder-1", copy);
  fs::resize_file(copy / "image-root-1.key", 100);
  const Ended list = run({"key", "list", "--dir", copy.string()});
  EXPECT_EQ(list.exit_code, kFailed);
  EXPECT_TRUE(says(list.err, "image-root-1.key: it is damaged")) << list.err;
  EXPECT_EQ(run({"key", "generate", "--dir", copy.string(), "--name", "x"}).exit_code, kFailed);
}

TEST_F(KeyCommand, WithoutAWorkspaceIsNotFound) {
  const Ended list = run({"-C", (folder->path() / "nowhere").string(), "key", "list"});
  EXPECT_EQ(list.exit_code, kNotFound);
  EXPECT_TRUE(says(list.err, "hint: cotter init")) << list.err;
}

TEST(CotterCommand, HelpAndVersionGoToStdoutAndWrongUseDoesNot) {
  const Ended help = run({"--help"});
  EXPECT_EQ(help.exit_code, kDone);
  EXPECT_TRUE(says(help.out, "init"));
  EXPECT_EQ(run({"key", "list", "--help"}).exit_code, kDone);
  EXPECT_EQ(run({"--version"}).out, "cotter " COTTER_VERSION "\n");
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"nonsense"}, {"key"}, {"init"}, {"key", "list", "--what"}}) {
    const Ended used = run(wrong);
    EXPECT_EQ(used.exit_code, kUsage);
    EXPECT_TRUE(used.out.empty()) << used.out;
    EXPECT_TRUE(says(used.err, "error: ")) << used.err;
  }
}

}  // namespace
}  // namespace cotter
