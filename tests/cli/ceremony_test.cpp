// cotter ceremony, cotter key rotate|revoke and cotter-sign, as operators and holders meet them.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>

#include "common/host/atomic_file.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

class CeremonyCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    for (const char* name : {"", "other-"}) {
      ASSERT_EQ(run_cotter({"init", (folder->path() / (std::string(name) + "ws")).string(), "--offline-dir",
                            (folder->path() / (std::string(name) + "off")).string()})
                    .exit_code,
                kDone);
    }
  }
  static void TearDownTestSuite() { folder.reset(); }
  void TearDown() override { fs::remove_all(pending()), fs::create_directory(pending()); }

  static fs::path pending() { return folder->path() / "ws" / "pending"; }
  static fs::path holder(int number) { return folder->path() / "off" / ("holder-" + std::to_string(number)); }
  static Ended cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", (folder->path() / "ws").string()});
    return run_cotter(std::move(arguments));
  }
  static Ended sign(std::vector<std::string> arguments) {
    world::Command command = cotter_command(std::move(arguments));
    command.program = COTTER_SIGN;
    return world::run(command).value();
  }
  static json::Value open_root() {
    const Ended opened = cotter({"--json", "ceremony", "open", "root", "--repository", "director"});
    EXPECT_EQ(opened.exit_code, kDone) << opened.err;
    return parsed(opened.out);
  }

  static std::unique_ptr<sim::TempDir> folder;
};
std::unique_ptr<sim::TempDir> CeremonyCommand::folder;

TEST_F(CeremonyCommand, ShowsAHolderWhatChangesAndAsksForTheHash) {
  const json::Value opened = open_root();
  const std::string bundle = text_of(opened, "bundle");
  const std::string hash = text_of(opened, "hash");
  const Ended shown = sign({bundle, "--keys", holder(1).string(), "--show"});
  ASSERT_EQ(shown.exit_code, kDone) << shown.err;
  for (const std::string& part :
       {std::string("version 1 becomes 2"), std::string("it expires at "),
        std::string("root of version 1: 0 of 2 signatures"), "hash to read aloud: " + hash}) {
    EXPECT_TRUE(has(shown.out, part)) << part << "\n" << shown.out;
  }
  const Ended wrong = sign({bundle, "--keys", holder(1).string(), "--hash", "0000-0000-0000-0000"});
  EXPECT_EQ(wrong.exit_code, kRefused);
  EXPECT_TRUE(has(wrong.err, "not what was given")) << wrong.err;
  EXPECT_TRUE(has(cotter({"ceremony", "status"}).out, "0 of 2 signatures"));
  EXPECT_EQ(sign({bundle, "--keys", holder(1).string(), "--hash", hash}).exit_code, kDone);
  EXPECT_TRUE(has(cotter({"ceremony", "status"}).out, "1 of 2 signatures"));
}

TEST_F(CeremonyCommand, LeavesTheFileAsItWasWhereItCannotSign) {
  const json::Value opened = open_root();
  const fs::path bundle = text_of(opened, "bundle");
  const Bytes before = host::read_file(bundle, 1U << 20U).value();
  world::Command command = cotter_command(
      {bundle.string(), "--keys", holder(1).string(), "--hash", text_of(opened, "hash"), "--json"});
  command.program = COTTER_SIGN;
  command.environment["COTTER_PASSPHRASE_HOLDER"] = "not the holder's words";
  EXPECT_EQ(world::run(command)->exit_code, kRefused);
  EXPECT_EQ(host::read_file(bundle, 1U << 20U).value(), before);
}

TEST_F(CeremonyCommand, LetsNobodySignForAnotherRepository) {
  const json::Value opened = open_root();
  const fs::path stranger = folder->path() / "other-off" / "holder-1";
  const Ended refused =
      sign({text_of(opened, "bundle"), "--keys", stranger.string(), "--hash", text_of(opened, "hash")});
  EXPECT_EQ(refused.exit_code, kRefused) << refused.err;
  EXPECT_TRUE(has(refused.err, "does not come from the root that is trusted here")) << refused.err;
}

TEST_F(CeremonyCommand, SaysWhereAHolderGetsARootToMeasureBy) {
  const json::Value opened = open_root();
  const fs::path fresh = folder->path() / "off" / "holder-9";
  ASSERT_EQ(cotter({"key", "generate", "--dir", fresh.string(), "--name", "director-root-9"}).exit_code,
            kDone);
  const std::vector<std::string> attempt = {text_of(opened, "bundle"), "--keys", fresh.string(), "--hash",
                                            text_of(opened, "hash")};
  const Ended without = sign(attempt);
  EXPECT_EQ(without.exit_code, kNotFound);
  EXPECT_TRUE(has(without.err, "copy director.root.json from another holder's folder")) << without.err;
  fs::copy_file(holder(1) / "director.root.json", fresh / "director.root.json");
  const Ended stranger = sign(attempt);
  EXPECT_EQ(stranger.exit_code, kRefused);
  EXPECT_TRUE(has(stranger.err, "none of these keys may sign")) << stranger.err;
}

TEST_F(CeremonyCommand, ClosesNothingThatIsDamaged) {
  const json::Value opened = open_root();
  const fs::path bundle = text_of(opened, "bundle");
  const Bytes whole = host::read_file(bundle, 1U << 20U).value();
  const fs::path copy = folder->path() / "copy.json";
  ASSERT_TRUE(host::write_atomically(copy, ByteView(whole).first(whole.size() / 2)));
  EXPECT_EQ(cotter({"ceremony", "close", copy.string()}).exit_code, kRefused);
  EXPECT_EQ(cotter({"ceremony", "close", (folder->path() / "none.json").string()}).exit_code, kNotFound);
}

TEST_F(CeremonyCommand, TakesWhatIsWrongWithAChangeApart) {
  const auto open = [](std::vector<std::string> change) {
    change.insert(change.begin(), {"ceremony", "open", "root", "--repository", "image"});
    return cotter(std::move(change)).exit_code;
  };
  EXPECT_EQ(open({"--threshold", "root=4"}), kUsage);
  EXPECT_EQ(open({"--threshold", "root"}), kUsage);
  EXPECT_EQ(open({"--threshold", "root=many"}), kUsage);
  for (const char* classes :
       {"root=require", "root=now,classical:1", "root=accept,quantum:1", "root=accept,classical",
        "root=accept,classical:0", "root=accept,classical:many", "root=accept,classical:4",
        "root=accept,post-quantum:1"}) {
    EXPECT_EQ(open({"--classes", classes}), kUsage) << classes;
  }
  EXPECT_EQ(open({"--remove-key", "root=nobody"}), kNotFound);
  EXPECT_EQ(open({"--add-key", "root=" + (holder(1) / "none.key").string()}), kNotFound);
  EXPECT_EQ(open({"--add-key", "targets=" + (holder(1) / "image-root-1.key").string()}), kFailed) << "KEY-2";
  EXPECT_EQ(open({"--expires", "soon"}), kUsage);
  EXPECT_TRUE(fs::is_empty(pending()));
}

TEST_F(CeremonyCommand, RotatesAKeyWhereverItIsListed) {
  ASSERT_EQ(cotter({"key", "generate", "--name", "image-timestamp-2"}).exit_code, kDone);
  const fs::path successor = folder->path() / "ws" / "keys" / "image-timestamp-2.key";
  const Ended rotated = cotter({"key", "rotate", "image-timestamp", "--to", successor.string()});
  ASSERT_EQ(rotated.exit_code, kDone) << rotated.err;
  EXPECT_TRUE(has(rotated.out, "timestamp: key out: "));
  EXPECT_TRUE(has(rotated.out, "timestamp: key in: "));
  EXPECT_EQ(cotter({"key", "revoke", "image-snapshot", "--replace"}).exit_code, kUsage)
      << "none would be left";
  EXPECT_EQ(cotter({"key", "revoke", "image-targets-3", "--replace"}).exit_code, kDone);
  EXPECT_EQ(cotter({"key", "revoke", "ledger"}).exit_code, kNotFound) << "no root lists it";
}

// Whoever comes second is told, and what the first opened stands.
TEST_F(CeremonyCommand, LetsOneOfTwoOperatorsRotate) {
  const auto revoke = [](const char* key) {
    return std::async(std::launch::async, [key] { return cotter({"--json", "key", "revoke", key}); });
  };
  auto one = revoke("image-root-1");
  auto other = revoke("image-root-2");
  const Ended first = one.get();
  const Ended second = other.get();
  EXPECT_EQ(first.exit_code + second.exit_code, kDone + kFailed) << first.err << second.err;
  const Ended& winner = first.exit_code == kDone ? first : second;
  const Ended& loser = first.exit_code == kDone ? second : first;
  EXPECT_TRUE(has(loser.err, "is open already")) << loser.err;
  const json::Value status = parsed(cotter({"--json", "ceremony", "status"}).out);
  const json::Array& open = *member(status, "ceremonies").as_array();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(text_of(open[0], "hash"), text_of(parsed(winner.out), "hash"));
}

/// A supplier "acme" with one key, and more keys beside it.
class DelegationKeys : public CeremonyCommand {
 protected:
  static fs::path key(int number) {
    return folder->path() / "acme" / ("acme-" + std::to_string(number) + ".key");
  }
  void SetUp() override {
    if (fs::exists(key(1))) return;
    for (int number = 1; number <= 3; ++number) {
      const Ended made = cotter({"--json", "key", "generate", "--dir", key(1).parent_path().string(),
                                 "--name", "acme-" + std::to_string(number)});
      ASSERT_EQ(made.exit_code, kDone) << made.err;
      if (number > 1) continue;
      ASSERT_TRUE(host::write_atomically(folder->path() / "acme.json", as_bytes(made.out)));
      const Ended added = cotter({"supplier", "add", "acme", "--path", "acme/*/*", "--hardware-id", "brake",
                                  "--key", (folder->path() / "acme.json").string(), "--threshold", "1",
                                  "--sign-with", holder(1).string(), "--sign-with", holder(2).string()});
      ASSERT_EQ(added.exit_code, kDone) << added.err;
      id = text_of(parsed(made.out), "keyid");
    }
  }
  static inline std::string id;
};

// Whoever comes second is told, and what the first opened is published as he opened it.
TEST_F(DelegationKeys, LetOneOfTwoOperatorsRotate) {
  const auto rotate = [](int to) {
    return std::async(std::launch::async, [to] {
      return cotter({"--json", "key", "rotate", id, "--to", key(to).string()});
    });
  };
  auto one = rotate(2);
  auto other = rotate(3);
  const Ended first = one.get();
  const Ended second = other.get();
  EXPECT_EQ(first.exit_code + second.exit_code, kDone + kFailed) << first.err << second.err;
  const Ended& winner = first.exit_code == kDone ? first : second;
  const Ended& loser = first.exit_code == kDone ? second : first;
  EXPECT_TRUE(has(loser.err, "a change that waits for its signatures is in the way")) << loser.err;
  EXPECT_TRUE(has(loser.err, "cotter ceremony status")) << loser.err;
  const json::Value status = parsed(cotter({"--json", "ceremony", "status"}).out);
  const json::Array& open = *member(status, "ceremonies").as_array();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(text_of(open[0], "sha256"), text_of(parsed(winner.out), "sha256"));
  const std::string bundle = text_of(open[0], "bundle");
  const Ended signed_it = cotter({"ceremony", "sign", bundle, "--sign-with", holder(1).string(),
                                  "--sign-with", holder(3).string(), "--hash", text_of(open[0], "hash")});
  ASSERT_EQ(signed_it.exit_code, kDone) << signed_it.err;
  const Ended closed = cotter({"--json", "ceremony", "close", bundle});
  ASSERT_EQ(closed.exit_code, kDone) << closed.err;
  EXPECT_EQ(text_of(parsed(closed.out), "state"), "published");
  const Ended told = cotter({"audit", "log", "--json", "--kind", "ceremony", "--limit", "1"});
  EXPECT_TRUE(has(told.out, "delegation acme: key out: " + id.substr(0, 16))) << told.out;
  EXPECT_TRUE(has(told.out, text_of(open[0], "hash"))) << told.out;
}

}  // namespace
}  // namespace cotter
