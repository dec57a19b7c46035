// cotter hardware, and what the verbs that publish refuse for the sake of a generation; the real program.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

/// A workspace with two vehicles, copied for each test: making one takes a second of key derivation.
class HardwareCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made = std::make_unique<sim::TempDir>();
    const std::string place = (made->path() / "ws").string();
    ASSERT_EQ(run_cotter({"init", place, "--offline-dir", (made->path() / "off").string()}).exit_code, kDone);
    for (const auto& [vin, prefix, first_key] :
         {std::tuple{"CAR-1", "A-", std::uint8_t{1}}, std::tuple{"CAR-2", "B-", std::uint8_t{11}}}) {
      const auto record = test::factory_record(vin, prefix, first_key);
      primary = record.ecus.at(0).hardware_id.value();
      brake = record.ecus.at(1).hardware_id.value();
      door = record.ecus.at(2).hardware_id.value();
      const fs::path file = made->path() / "car.json";
      ASSERT_TRUE(host::write_atomically(file, as_bytes(json::to_text(record.encode()))));
      ASSERT_EQ(run_cotter({"-C", place, "vehicle", "add", file.string()}).exit_code, kDone);
    }
  }
  static void TearDownTestSuite() { made.reset(); }
  void SetUp() override { fs::copy(made->path(), folder(), fs::copy_options::recursive); }

  [[nodiscard]] fs::path folder() const { return temp_.path() / "all"; }
  [[nodiscard]] std::string holder(int number) const {
    return (folder() / "off" / ("holder-" + std::to_string(number))).string();
  }
  [[nodiscard]] Ended cotter(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-C", (folder() / "ws").string()});
    return run_cotter(std::move(arguments));
  }
  [[nodiscard]] Ended publish(const std::string& name, bool signing = true) const {
    const fs::path file = folder() / "image.bin";
    COTTER_ASSERT(host::write_atomically(file, as_bytes(name)));
    std::vector<std::string> words{"publish",       file.string(), "--name",    "team/ecu/" + name,
                                   "--hardware-id", brake,         "--version", "1.0"};
    if (signing) words.insert(words.end(), {"--sign-with", holder(1), "--sign-with", holder(2)});
    return cotter(std::move(words));
  }
  /// A P-256 key that is to follow the image repository's only one of the timestamp.
  [[nodiscard]] std::string next_timestamp_key() const {
    EXPECT_EQ(cotter({"key", "generate", "--name", "image-timestamp-2", "--scheme", "ecdsa-sha2-nistp256"})
                  .exit_code,
              kDone);
    return (folder() / "ws" / "keys" / "image-timestamp-2.key").string();
  }

  static inline std::unique_ptr<sim::TempDir> made;
  static inline std::string primary, brake, door;

 private:
  sim::TempDir temp_;
};

TEST_F(HardwareCommand, ListsTheInventoryAndWhatIsNoted) {
  ASSERT_EQ(cotter({"hardware", "set", brake, "--schemes", "ed25519,ecdsa-sha2-nistp256", "--max-metadata",
                    "65536", "--max-root", "20000"})
                .exit_code,
            kDone);
  const json::Value list = parsed(cotter({"hardware", "list", "--json"}).out);
  ASSERT_EQ(member(list, "hardware").as_array()->size(), 3U);
  for (const json::Value& each : *member(list, "hardware").as_array()) {
    const bool is_brake = text_of(each, "hardware_id") == brake;
    EXPECT_EQ(member(each, "noted"), json::Value(is_brake));
    EXPECT_EQ(member(each, "schemes").as_array()->size(), is_brake ? 2U : 3U);
    EXPECT_EQ(member(each, "max_metadata"), is_brake ? json::Value(65536) : json::Value());
    const json::Value& there = *member(each, "in_inventory").as_array()->begin();
    EXPECT_EQ(member(there, "vehicles"), json::Value(2));
    EXPECT_EQ(text_of(there, "verification"), text_of(each, "hardware_id") == door ? "partial" : "full");
  }
  const Ended shown = cotter({"hardware", "show", brake});
  for (const char* part :
       {"ed25519, ecdsa-sha2-nistp256\n", "any metadata  65536 bytes at most\n",
        "root          20000 bytes at most\n", "2 ECUs in 2 vehicles, full verification\n"}) {
    EXPECT_TRUE(has(shown.out, part)) << part << "\n" << shown.out;
  }
}

TEST_F(HardwareCommand, CountsTheVehiclesThatCouldFollowIfClassesOfKeysWereRequired) {
  EXPECT_TRUE(has(cotter({"hardware", "ready"}).out, "no role has thresholds by class"));
  const auto open = [&](const std::string& classes) {
    return cotter({"--json", "ceremony", "open", "root", "--repository", "image", "--classes", classes});
  };
  const Ended opened = open("targets=prefer,classical:2");
  ASSERT_EQ(opened.exit_code, kDone) << opened.err;
  EXPECT_TRUE(
      has(opened.out, "targets: keys of each class that must sign: 2 classical, prefer; before: none"))
      << opened.out;
  const json::Value bundle = parsed(opened.out);
  ASSERT_EQ(cotter({"ceremony", "sign", text_of(bundle, "bundle"), "--sign-with", holder(1), "--sign-with",
                    holder(2), "--hash", text_of(bundle, "hash")})
                .exit_code,
            kDone);
  ASSERT_EQ(cotter({"ceremony", "close", text_of(bundle, "bundle")}).exit_code, kDone);

  const auto ready = [&] {
    return *member(parsed(cotter({"hardware", "ready", "--json"}).out), "roles").as_array();
  };
  ASSERT_EQ(ready().size(), 1U);
  EXPECT_EQ(text_of(ready()[0], "role"), "targets");
  EXPECT_EQ(text_of(ready()[0], "stage"), "prefer");
  EXPECT_EQ(member(ready()[0], "ready"), json::Value(2));
  const Ended set = cotter({"hardware", "set", brake, "--schemes", "ecdsa-sha2-nistp256"});
  ASSERT_EQ(set.exit_code, kDone);
  EXPECT_TRUE(has(set.err, "warning: the root that is published is one that not all can follow")) << set.err;
  const json::Value log = parsed(cotter({"audit", "log", "--kind", "hardware", "--json"}).out);
  ASSERT_EQ(member(log, "entries").as_array()->size(), 1U);
  EXPECT_EQ(member(ready()[0], "vehicles"), json::Value(2));
  EXPECT_EQ(member(ready()[0], "ready"), json::Value(0));
  EXPECT_TRUE(
      has(cotter({"hardware", "ready"}).out, brake + " (2 ECUs in 2 vehicles, full verification): cannot"));
  EXPECT_EQ(open("targets=require,classical:2").exit_code, kRefused);
}

TEST_F(HardwareCommand, SaysWhatItDoesNotUnderstand) {
  const Ended unknown = cotter({"hardware", "set", brake, "--schemes", "ed25591"});
  EXPECT_EQ(unknown.exit_code, kUsage);
  EXPECT_TRUE(has(unknown.err, "no signature scheme \"ed25591\"\nhint: there are ed25519, ")) << unknown.err;
  EXPECT_EQ(cotter({"hardware", "set", brake, "--max-root", "0"}).exit_code, kUsage);
  EXPECT_EQ(cotter({"hardware", "show", "nobody's"}).exit_code, kNotFound);
}

TEST_F(HardwareCommand, APublicationThatAGenerationHasNoRoomForIsRefusedBeforeAnybodySigns) {
  ASSERT_EQ(publish("first.bin").exit_code, kDone);
  ASSERT_EQ(cotter({"hardware", "set", primary, "--max-targets", "1000"}).exit_code, kDone);
  for (const bool signing : {true, false}) {
    const Ended refused = publish("second.bin", signing);
    EXPECT_EQ(refused.exit_code, kRefused) << refused.err;
    EXPECT_TRUE(
        has(refused.err, primary + " (2 ECUs in 2 vehicles) cannot verify targets of the image repository"))
        << refused.err;
    EXPECT_TRUE(has(refused.err, "and it takes 1000 at most\nhint: ")) << refused.err;
  }
  EXPECT_TRUE(fs::is_empty(folder() / "ws" / "pending")) << "nothing waits for signatures";
  ASSERT_EQ(cotter({"hardware", "set", primary}).exit_code, kDone);
  EXPECT_EQ(publish("second.bin").exit_code, kDone);
}

TEST_F(HardwareCommand, APartialVerifierIsNotAskedOfTheImageRepository) {
  ASSERT_EQ(cotter({"hardware", "set", door, "--max-targets", "100"}).exit_code, kDone);
  EXPECT_EQ(publish("first.bin").exit_code, kDone);
}

TEST_F(HardwareCommand, WhatIsSignedWithASchemeThatAGenerationDoesNotKnowIsRefused) {
  ASSERT_EQ(cotter({"hardware", "set", brake, "--schemes", "ecdsa-sha2-nistp256"}).exit_code, kDone);
  const Ended refused = publish("first.bin");
  EXPECT_EQ(refused.exit_code, kRefused);
  EXPECT_TRUE(
      has(refused.err, brake + " (2 ECUs in 2 vehicles) cannot verify targets of the image repository: it "
                               "knows ecdsa-sha2-nistp256, which 0 of the 3 keys are, and 2 must sign"))
      << refused.err;
}

TEST_F(HardwareCommand, WhatWaitedForItsHoldersIsJudgedByWhatIsNotedWhenTheySign) {
  ASSERT_EQ(publish("first.bin", false).exit_code, kDone);
  ASSERT_EQ(cotter({"hardware", "set", brake, "--schemes", "ecdsa-sha2-nistp256"}).exit_code, kDone);
  const Ended refused = publish("first.bin");
  EXPECT_EQ(refused.exit_code, kRefused) << refused.out;
  EXPECT_TRUE(has(refused.err, "which 0 of the 2 keys are, and 2 must sign")) << refused.err;
  ASSERT_EQ(cotter({"hardware", "set", brake}).exit_code, kDone);
  EXPECT_TRUE(has(publish("first.bin").out, "published"));
}

TEST_F(HardwareCommand, ARotationToASchemeThatAGenerationDoesNotKnowIsRefused) {
  const std::vector<std::string> rotate{"key", "rotate", "image-timestamp", "--to", next_timestamp_key()};
  ASSERT_EQ(cotter({"hardware", "set", brake, "--schemes", "ed25519"}).exit_code, kDone);
  const Ended refused = cotter(rotate);
  EXPECT_EQ(refused.exit_code, kRefused) << refused.out;
  EXPECT_TRUE(has(refused.err, brake + " (2 ECUs in 2 vehicles) cannot verify timestamp of the image "
                                       "repository: it knows ed25519, which 0 of the 1 keys are"))
      << refused.err;
  EXPECT_TRUE(fs::is_empty(folder() / "ws" / "pending")) << "nothing waits for signatures";
  ASSERT_EQ(cotter({"hardware", "set", brake}).exit_code, kDone);
  EXPECT_EQ(cotter(rotate).exit_code, kDone);
}

TEST_F(HardwareCommand, ACeremonyIsHeldAgainstWhatIsNotedWhenItIsClosed) {
  const Ended opened = cotter({"--json", "key", "rotate", "image-timestamp", "--to", next_timestamp_key()});
  ASSERT_EQ(opened.exit_code, kDone) << opened.err;
  const json::Value bundle = parsed(opened.out);
  ASSERT_EQ(cotter({"ceremony", "sign", text_of(bundle, "bundle"), "--sign-with", holder(1), "--sign-with",
                    holder(2), "--hash", text_of(bundle, "hash")})
                .exit_code,
            kDone);
  ASSERT_EQ(cotter({"hardware", "set", brake, "--schemes", "ed25519"}).exit_code, kDone);
  const std::vector<std::string> close{"ceremony", "close", text_of(bundle, "bundle")};
  for (int times = 0; times < 2; ++times) {
    const Ended refused = cotter(close);
    EXPECT_EQ(refused.exit_code, kRefused) << refused.out;
    EXPECT_TRUE(has(refused.err, brake + " (2 ECUs in 2 vehicles) cannot verify timestamp of the image "
                                         "repository: it knows ed25519, which 0 of the 1 keys are"))
        << refused.err;
  }
  EXPECT_FALSE(fs::exists(folder() / "ws" / "repo" / "2.root.json"));
  const auto closings = [&] {
    const json::Value log = parsed(cotter({"audit", "log", "--kind", "ceremony", "--json"}).out);
    return member(log, "entries").as_array()->size();
  };
  EXPECT_EQ(closings(), 0U) << "the ledger tells of what was closed, and of nothing else";
  ASSERT_EQ(cotter({"hardware", "set", brake}).exit_code, kDone);
  const Ended closed = cotter(close);
  EXPECT_EQ(closed.exit_code, kDone) << closed.err;
  EXPECT_TRUE(fs::exists(folder() / "ws" / "repo" / "2.root.json"));
  EXPECT_EQ(closings(), 1U);
}

TEST_F(HardwareCommand, ADelegationToAKeyThatAGenerationDoesNotKnowIsRefused) {
  ASSERT_EQ(cotter({"key", "generate", "--name", "image-fw", "--role", "image/fw", "--scheme",
                    "ecdsa-sha2-nistp256"})
                .exit_code,
            kDone);
  ASSERT_EQ(cotter({"hardware", "set", primary, "--schemes", "ed25519"}).exit_code, kDone);
  const std::vector<std::string> delegate{
      "release",       "init-role", "fw",          "--paths", "fw/*",        "--bit-length", "1",
      "--hardware-id", brake,       "--sign-with", holder(1), "--sign-with", holder(2)};
  const Ended refused = cotter(delegate);
  EXPECT_EQ(refused.exit_code, kRefused) << refused.err;
  EXPECT_TRUE(has(refused.err, primary + " (2 ECUs in 2 vehicles) cannot verify fw of the image repository"))
      << refused.err;
  ASSERT_EQ(cotter({"hardware", "set", primary}).exit_code, kDone);
  const Ended done = cotter(delegate);
  EXPECT_EQ(done.exit_code, kDone) << done.err;

  // A release into its bins is held against the room there is, too.
  COTTER_ASSERT(host::write_atomically(folder() / "image.bin", as_bytes("an image")));
  const std::string manifest =
      "role = \"fw\"\n[[artifact]]\nfile = \"image.bin\"\nname = \"fw/one.bin\"\n"
      "hardware_ids = [\"" +
      brake + "\"]\nversion = \"1.0\"\n";
  COTTER_ASSERT(host::write_atomically(folder() / "release.toml", as_bytes(manifest)));
  const std::vector<std::string> apply{"release", "apply", (folder() / "release.toml").string()};
  ASSERT_EQ(cotter({"hardware", "set", brake, "--max-targets", "300"}).exit_code, kDone);
  const Ended too_large = cotter(apply);
  EXPECT_EQ(too_large.exit_code, kRefused) << too_large.err;
  EXPECT_TRUE(has(too_large.err, brake + " (2 ECUs in 2 vehicles) cannot verify fw of the image repository"))
      << too_large.err;
  ASSERT_EQ(cotter({"hardware", "set", brake}).exit_code, kDone);
  ASSERT_EQ(cotter({"hardware", "set", door, "--max-targets", "300"}).exit_code, kDone);
  const Ended applied = cotter(apply);
  EXPECT_EQ(applied.exit_code, kDone) << applied.err;
}

}  // namespace
}  // namespace cotter
