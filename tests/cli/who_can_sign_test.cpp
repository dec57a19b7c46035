// cotter who-can-sign, cotter key blast-radius and the warnings of cotter check, as an operator meets them.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "tests/cli/words.h"
#include "tests/sim/repository_sim.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

/// A workspace with a vehicle, and beside it another's repository with delegations.
class WhoCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    ASSERT_EQ(run_cotter({"init", workspace().string(), "--offline-dir", (folder->path() / "off").string()})
                  .exit_code,
              kDone);
    const json::Value record = test::factory_record("CAR-1", "", 1).encode();
    ASSERT_TRUE(host::write_atomically(folder->path() / "car.json", as_bytes(json::to_text(record))));
    ASSERT_EQ(cotter({"vehicle", "add", (folder->path() / "car.json").string()}).exit_code, kDone);
    sim::RepositorySim supplied("other", parse_utc("2999-01-01T00:00:00Z").value());
    supplied.set_keys(model::targets_role(), sim::keys("t", 3), 2);
    supplied.delegate(model::targets_role(), sim::delegated("brakes", {"brakes/*"}, true));
    supplied.delegate(model::targets_role(), sim::delegated("late", {"*/*"}));
    supplied.publish(model::root_role());
    supplied.publish(RoleName("brakes"));
    supplied.publish(RoleName("late"));
    supplied.release({model::targets_role()});
    fs::create_directories(other());
    for (const auto& [path, bytes] : supplied.files)
      ASSERT_TRUE(host::write_atomically(other() / path, bytes));
  }
  static void TearDownTestSuite() { folder.reset(); }

  static fs::path workspace() { return folder->path() / "ws"; }
  static fs::path other() { return folder->path() / "other"; }
  static Ended cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", workspace().string()});
    return run_cotter(arguments);
  }

  static std::unique_ptr<sim::TempDir> folder;
};
std::unique_ptr<sim::TempDir> WhoCommand::folder;

TEST_F(WhoCommand, GivesAStrangerWhatTheAnswerFollowsFrom) {
  const fs::path proofs = folder->path() / "proofs";
  const Ended asked = cotter({"who-can-sign", "brakes/fw.bin", "--repository", other().string(), "--proofs",
                              proofs.string(), "--json"});
  ASSERT_EQ(asked.exit_code, kDone) << asked.err;
  const json::Value answer = parsed(asked.out);
  const json::Value& written = member(answer, "proofs");
  EXPECT_EQ(text_of(written, "first_root_sha256"),
            to_hex(crypto::sha256(host::read_file(other() / "1.root.json", 1U << 20U).value())));
  const auto repeat = [&] {  // no workspace, no network
    return run_cotter({"who-can-sign", "brakes/fw.bin", "--repository", proofs.string(), "--json"});
  };
  const json::Value again = parsed(repeat().out);
  for (const char* part : {"requirement", "sets", "searches", "to_publish", "above"})
    EXPECT_EQ(member(again, part), member(answer, part)) << part;
  for (const json::Value& name : *member(written, "files").as_array()) {
    const fs::path file = proofs / name.as_string()->view();
    const Bytes honest = host::read_file(file, 1U << 20U).value();
    Bytes altered = honest;
    const std::string_view text = as_text(honest);
    altered[text.find("\"expires\":\"") + 11] ^= 1U;  // of what is signed
    ASSERT_TRUE(host::write_atomically(file, altered));
    const Ended told = repeat();  // of a delegated role it says that it is broken
    EXPECT_TRUE(told.exit_code != kDone || member(parsed(told.out), "searches") != member(answer, "searches"))
        << file << " was altered";
    ASSERT_TRUE(host::write_atomically(file, honest));
  }
}

TEST_F(WhoCommand, NamesKeysAndTheirHolders) {
  const Ended asked = cotter({"who-can-sign", "brakes/fw.bin"});
  ASSERT_EQ(asked.exit_code, kDone) << asked.err;
  for (const char* part :
       {"who can sign it: 2 of 3 keys of targets\n",
        "  image-targets-1 (holder-1) + image-targets-2 (holder-2)\n", "3 sets of keys in all\n",
        "to publish  image repository's snapshot, 1 of 1: image-snapshot\n",
        "to assign   director's targets, 1 of 1: director-targets\n", "director-root-1 (holder-1)"}) {
    EXPECT_TRUE(has(asked.out, part)) << part << "\n" << asked.out;
  }
}

TEST_F(WhoCommand, FollowsDelegationsInTheirOrder) {
  const Ended asked = cotter({"who-can-sign", "brakes/fw.bin", "--repository", other().string()});
  ASSERT_EQ(asked.exit_code, kDone) << asked.err;
  for (const char* part :
       {"who can sign it: 2 of 3 keys of targets, or 1 of 1 key of brakes\n", "4 sets of keys in all\n",
        "not asked  late below targets: brakes is asked before it and is terminating: the search ends "
        "there\n",
        "to assign   the director's targets, snapshot and timestamp\n"}) {
    EXPECT_TRUE(has(asked.out, part)) << part << "\n" << asked.out;
  }
}

TEST_F(WhoCommand, JsonListsNoMoreSetsThanAskedForAndSaysHowManyThereAre) {
  const Ended asked =
      cotter({"who-can-sign", "x/fw.bin", "--repository", other().string(), "--limit", "2", "--json"});
  ASSERT_EQ(asked.exit_code, kDone) << asked.err;
  const json::Value answer = parsed(asked.out);
  EXPECT_EQ(member(answer, "sets").as_array()->size(), 2U);
  EXPECT_EQ(member(answer, "sets_in_all"), json::Value(4));
  EXPECT_EQ(member(answer, "sets").as_array()->begin()->as_array()->size(), 1U) << "the shortest comes first";
  EXPECT_EQ(member(member(answer, "requirement"), "at_least"), json::Value(1));
  EXPECT_TRUE(member(answer, "to_assign").is_null());
  EXPECT_TRUE(member(answer, "hardware_id").is_null());
}

TEST_F(WhoCommand, RefusesANameThatNoVehicleTakes) {
  const Ended asked = cotter({"who-can-sign", "../x"});
  EXPECT_EQ(asked.exit_code, kUsage);
  EXPECT_TRUE(has(asked.err, "hint: "));
  EXPECT_EQ(run_cotter({"-C", "/nowhere", "who-can-sign", "x"}).exit_code, kNotFound);
}

TEST_F(WhoCommand, BlastRadiusCountsVehicles) {
  const Ended asked =
      cotter({"key", "blast-radius", "director-targets", "director-snapshot", "director-timestamp"});
  ASSERT_EQ(asked.exit_code, kDone) << asked.err;
  for (const char* part : {"director/snapshot   1 of 1  1       held\n",
                           "- choose among the images listed today, for the right hardware and not below a "
                           "floor (3 ECUs in 1 vehicle)\n",
                           "- install anything on ECUs that verify partially, where he holds their bus too "
                           "(1 ECU in 1 vehicle)\n"}) {
    EXPECT_TRUE(has(asked.out, part)) << part << "\n" << asked.out;
  }
  EXPECT_FALSE(has(asked.out, "sign images")) << asked.out;
}

TEST_F(WhoCommand, BlastRadiusTakesTheFirstDigitsOfAKeyIdAndSaysWhatIsLacking) {
  const json::Value shown = parsed(cotter({"key", "show", "image-targets-2", "--json"}).out);
  const std::string id = *member(shown, "keyid").as_string();
  const Ended asked = cotter({"key", "blast-radius", id.substr(0, 8), "--json"});
  ASSERT_EQ(asked.exit_code, kDone) << asked.err;
  const json::Value answer = parsed(asked.out);
  EXPECT_TRUE(member(answer, "can").as_array()->empty());
  EXPECT_EQ(member(*member(answer, "roles").as_array()->begin(), "lacking"), json::Value(1));
  EXPECT_EQ(cotter({"key", "blast-radius", id.substr(0, 7)}).exit_code, kNotFound);
  EXPECT_EQ(cotter({"key", "blast-radius", "image-targets-9"}).exit_code, kNotFound);
  EXPECT_EQ(cotter({"key", "blast-radius"}).exit_code, kUsage);
}

TEST_F(WhoCommand, CheckWarnsOfDelegationsThatAreProbablyNotMeant) {
  const Ended ours = cotter({"check"});
  EXPECT_EQ(ours.exit_code, kDone);
  EXPECT_FALSE(has(ours.out, "warning   role") || has(ours.out, "warning   key") ||
               has(ours.out, "one key is enough"))
      << ours.out;
  const Ended theirs = cotter({"check", other().string()});
  EXPECT_EQ(theirs.exit_code, kDone) << "a warning is no refusal";
  EXPECT_TRUE(has(theirs.out, "warning   roles brakes and late below targets may list the same names"))
      << theirs.out;
}

}  // namespace
}  // namespace cotter
