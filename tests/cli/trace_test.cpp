// cotter trace as an auditor meets it: an image published, replaced, assigned and released into bins, and
// each step proved to somebody who has the proofs and the log's key alone.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/stranger.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

std::string sha256_of(ByteView bytes) { return to_hex(crypto::sha256(bytes)); }

/// brakes/fw.bin of two builds, the older assigned to CAR-1; the older content as fw/copy+1.bin in a bin too;
/// and an assignment that no checkpoint is about.
class TraceCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    const std::string off = (folder->path() / "off").string();
    ASSERT_EQ(run_cotter({"init", workspace().string(), "--offline-dir", off}).exit_code, kDone);
    const json::Value record = test::factory_record("CAR-1", "", 1).encode();
    ASSERT_TRUE(host::write_atomically(folder->path() / "car.json", as_bytes(json::to_text(record))));
    ASSERT_EQ(cotter({"vehicle", "add", (folder->path() / "car.json").string()}).exit_code, kDone);
    publish("brakes/fw.bin", "build 1", "1.0");
    publish("brakes/other.bin", "another", "1.0");
    ASSERT_EQ(cotter({"assign", "CAR-1", "BRAKE", "brakes/fw.bin"}).exit_code, kDone);
    ASSERT_EQ(cotter({"key", "generate", "--name", "image-fw", "--role", "image/fw"}).exit_code, kDone);
    ASSERT_EQ(cotter({"release", "init-role", "fw", "--paths", "fw/*", "--bit-length", "1", "--sign-with",
                      off + "/holder-1", "--sign-with", off + "/holder-2"})
                  .exit_code,
              kDone);
    write("release.toml",
          "role = \"fw\"\n[[artifact]]\nfile = \"build 1\"\nname = \"fw/copy+1.bin\"\nhardware_ids = "
          "[\"brake-mk4\"]\nversion = \"1.0\"\n");
    const Ended applied = cotter({"release", "apply", (folder->path() / "release.toml").string()});
    ASSERT_EQ(applied.exit_code, kDone) << applied.err;
    publish("brakes/fw.bin", "build 2", "2.0");
    ASSERT_EQ(cotter({"assign", "CAR-1", "BRAKE", "brakes/fw.bin"}).exit_code, kDone);
  }
  static void TearDownTestSuite() { folder.reset(); }

  static fs::path workspace() { return folder->path() / "ws"; }
  static void write(const std::string& name, const std::string& content) {
    std::ofstream(folder->path() / name, std::ios::binary) << content;
  }
  static void publish(const std::string& name, const std::string& content, const std::string& version) {
    const std::string off = (folder->path() / "off").string();
    write(content, content);
    const Ended done =
        cotter({"publish", (folder->path() / content).string(), "--name", name, "--hardware-id", "brake-mk4",
                "--version", version, "--sign-with", off + "/holder-1", "--sign-with", off + "/holder-2"});
    ASSERT_EQ(done.exit_code, kDone) << done.err;
  }
  static Ended cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", workspace().string()});
    return run_cotter(std::move(arguments));
  }
  static Ended trace(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "trace");
    return cotter(std::move(arguments));
  }
  static json::Value traced(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const Ended ended = trace(std::move(arguments));
    EXPECT_EQ(ended.exit_code, kDone) << ended.err;
    return parsed(ended.out);
  }

  static std::unique_ptr<sim::TempDir> folder;
};
std::unique_ptr<sim::TempDir> TraceCommand::folder;

TEST_F(TraceCommand, TellsEachBuildOfANameInWords) {
  const Ended told = trace({"brakes/fw.bin"});
  ASSERT_EQ(told.exit_code, kDone) << told.err;
  for (const char* part :
       {"signed as targets 2 with image-targets-1 (holder-1)", "signed as targets 2 with image-targets-2",
        "published in targets 2 under root 1, release counter 1, with image-targets-1 (holder-1) + ",
        "and last in targets 4 under root 1", "targets 5 lists it no more", "assigned, last to CAR-1",
        "assigned  to 1 vehicle\ntoday     nobody lists it\n", "published in targets 5",
        "today     listed by targets\n"}) {
    EXPECT_TRUE(has(told.out, part)) << part << "\n" << told.out;
  }
}

TEST_F(TraceCommand, TellsAllNamesOfOneContentAlsoThoseInBins) {
  const std::string sha256 = sha256_of(as_bytes("build 1"));
  const json::Value told = traced({sha256});
  const json::Array& artifacts = *member(told, "artifacts").as_array();
  ASSERT_EQ(artifacts.size(), 2U);
  EXPECT_EQ(text_of(artifacts.at(0), "name"), "brakes/fw.bin");
  EXPECT_TRUE(member(artifacts.at(0), "live").is_null()) << "its name stands for another build";
  const json::Value& copy = artifacts.at(1);
  EXPECT_EQ(text_of(copy, "name"), "fw/copy+1.bin");
  const json::Value& first = member(member(copy, "published").as_array()->at(0), "first");
  EXPECT_EQ(text_of(first, "release_role"), "fw");
  EXPECT_EQ(text_of(member(first, "keys").as_array()->at(0), "name"), "image-fw");
  EXPECT_EQ(text_of(member(first, "release"), "kind"), "release");
  EXPECT_EQ(member(member(copy, "live"), "roles").as_array()->size(), 3U) << "targets, fw, its bin";
  EXPECT_EQ(member(member(copy, "assigned"), "times"), json::Value(0));
}

/// What a stranger does with the folder: the verifier there was before, and a tool that hashes.
TEST_F(TraceCommand, ProvesEachStepToAStranger) {
  const std::string vkey = text_of(parsed(cotter({"audit", "verify", "--json"}).out), "vkey");
  const fs::path dir = folder->path() / "proofs";
  const json::Value told = traced({sha256_of(as_bytes("build 1")), "--proofs", dir.string()});
  const json::Value& proofs = member(told, "proofs");
  ASSERT_GE(member(proofs, "entries").as_array()->size(), 8U);
  EXPECT_TRUE(member(proofs, "unsigned_entries").as_array()->empty());
  for (const json::Value& index : *member(proofs, "entries").as_array()) {
    const fs::path file = dir / ("entry-" + std::to_string(*index.as_int()) + ".json");
    const Ended held = run_cotter({"audit", "verify", "--proof", file.string(), "--vkey", vkey});
    EXPECT_EQ(held.exit_code, kDone) << held.err;
  }
  const auto entry = [&](const json::Value& step) {
    const std::string name = "entry-" + std::to_string(*member(step, "entry").as_int()) + ".json";
    return std::string(as_text(host::read_file(dir / name, 1 << 20).value()));
  };
  const auto file = [&](const std::string& name) { return host::read_file(dir / name, 1 << 20).value(); };
  const json::Array& artifacts = *member(told, "artifacts").as_array();
  const json::Value& targets = member(member(artifacts.at(0), "published").as_array()->at(0), "first");
  EXPECT_TRUE(has(entry(member(targets, "publication")), sha256_of(file("2.targets.json"))));
  EXPECT_TRUE(has(entry(member(targets, "root_publication")), "\"role\": \"root\""));
  EXPECT_TRUE(fs::exists(dir / "5.targets.json")) << "the one that lists it no more";
  const json::Value& bin = member(member(artifacts.at(1), "published").as_array()->at(0), "first");
  const std::string role = text_of(bin, "role");
  const std::string version = std::to_string(*member(bin, "version").as_int());
  const Bytes lines = file(version + ".fw.release");
  EXPECT_TRUE(has(std::string(as_text(lines)), role + " " + sha256_of(file(version + "." + role + ".json"))));
  EXPECT_TRUE(has(entry(member(bin, "publication")), sha256_of(lines)));
}

/// Signed by whom, and who let them: from the folder alone.
TEST_F(TraceCommand, ProvesWhoLetWhomSign) {
  const std::string vkey = text_of(parsed(cotter({"audit", "verify", "--json"}).out), "vkey");
  const fs::path dir = folder->path() / "authority";
  const json::Value told = traced({"fw/copy+1.bin", "--proofs", dir.string()});
  const test::Stranger::Files files = test::Stranger::folder(dir);
  EXPECT_EQ(test::Stranger::doubts(files, vkey), "");
  EXPECT_EQ(test::Stranger::fooled_by(files, vkey, 307), "");
  const json::Value& bin =
      member(member(member(told, "artifacts").as_array()->at(0), "published").as_array()->at(0), "first");
  ASSERT_EQ(member(bin, "delegated_by").as_array()->size(), 2U) << "targets, fw";
  std::vector<std::string> needed{"1.root.json"};
  for (const json::Value& each : *member(bin, "delegated_by").as_array()) {
    needed.push_back(std::to_string(*member(each, "version").as_int()) + "." + text_of(each, "role") +
                     ".json");
  }
  for (const std::string& name : needed) {
    test::Stranger::Files less = files;
    ASSERT_EQ(less.erase(name), 1U) << name;
    EXPECT_NE(test::Stranger::doubts(less, vkey), "") << "nothing is believed without " << name;
  }
}

TEST_F(TraceCommand, SaysWhatNoCheckpointIsAboutYet) {
  const fs::path dir = folder->path() / "unsigned";
  const json::Value told = traced({"brakes/fw.bin", "--proofs", dir.string()});
  const json::Array& unsigned_yet = *member(member(told, "proofs"), "unsigned_entries").as_array();
  ASSERT_EQ(unsigned_yet.size(), 1U);
  const json::Value& assigned = member(member(told, "artifacts").as_array()->at(1), "assigned");
  EXPECT_EQ(member(member(assigned, "last"), "entry"), unsigned_yet.at(0));
}

TEST_F(TraceCommand, KnowsNothingOfWhatNobodyEverHeardOf) {
  const Ended name = trace({"brakes/none.bin"});
  EXPECT_EQ(name.exit_code, kNotFound);
  EXPECT_TRUE(has(name.err, "has heard of brakes/none.bin")) << name.err;
  EXPECT_EQ(trace({std::string(64, 'a')}).exit_code, kNotFound);
  EXPECT_EQ(trace({"../x"}).exit_code, kUsage);
  EXPECT_EQ(trace({}).exit_code, kUsage);
}

TEST_F(TraceCommand, RefusesPublishedFilesThatAreNotWhatTheLedgerSays) {
  const sim::TempDir other;
  const fs::path copy = other.path() / "ws";
  fs::copy(workspace(), copy, fs::copy_options::recursive);
  const auto ask = [&](const std::string& what) { return run_cotter({"-C", copy.string(), "trace", what}); };
  std::ofstream(copy / "repo" / "3.targets.json", std::ios::app) << " ";
  const Ended altered = ask("brakes/fw.bin");
  EXPECT_EQ(altered.exit_code, kRefused);
  EXPECT_TRUE(has(altered.out, "3.targets.json is not what entry ")) << altered.out;
  fs::remove(copy / "repo" / "3.targets.json");
  const Ended gone = ask("brakes/fw.bin");
  EXPECT_EQ(gone.exit_code, kDone);
  EXPECT_TRUE(has(gone.out, "3.targets.json is gone: what it listed is not known")) << gone.out;
  for (const char* bin : {"fw-0", "fw-1"}) {
    const fs::path file = copy / "repo" / ("2." + std::string(bin) + ".json");
    if (fs::exists(file)) std::ofstream(file, std::ios::app) << " ";
  }
  const Ended bins = ask("fw/copy+1.bin");
  EXPECT_EQ(bins.exit_code, kRefused) << bins.out;
  EXPECT_TRUE(has(bins.out, "version 2 of the bins of fw is not what the ledger says")) << bins.out;
}

}  // namespace
}  // namespace cotter
