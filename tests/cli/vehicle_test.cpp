// cotter vehicle and cotter assign as an operator meets them: words, JSON and exit codes of the real program.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "server/app/accept_manifest.h"
#include "server/storage/sqlite/database.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

/// One workspace with one published image for all tests here: making one takes a second of key derivation.
/// Each test brings a vehicle of its own.
class VehicleCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    ASSERT_EQ(run_cotter({"init", workspace().string(), "--offline-dir", holders().string()}).exit_code,
              kDone);
    std::ofstream(folder->path() / "brake.bin") << "brake 2";
    const Ended published =
        cotter({"publish", (folder->path() / "brake.bin").string(), "--name", "brakes/mk4/2.bin",
                "--hardware-id", "brake-mk4", "--version", "2.0", "--release-counter", "2", "--sign-with",
                (holders() / "holder-1").string(), "--sign-with", (holders() / "holder-2").string()});
    ASSERT_EQ(published.exit_code, kDone) << published.err;
  }
  static void TearDownTestSuite() { folder.reset(); }

  static fs::path workspace() { return folder->path() / "workspace"; }
  static fs::path holders() { return folder->path() / "holders"; }
  static Ended cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", workspace().string()});
    return run_cotter(arguments);
  }
  static fs::path write_file(const std::string& name, const std::string& content) {
    fs::path file = folder->path() / name;
    COTTER_ASSERT(host::write_atomically(file, as_bytes(content)));
    return file;
  }
  /// Records the vehicle, whose ECUs' serials begin with the VIN and a dash.
  static Ended add(const std::string& vin, std::uint8_t first_key) {
    const json::Value record = test::factory_record(vin, vin + "-", first_key).encode();
    return cotter({"vehicle", "add", write_file(vin + ".json", json::to_pretty_text(record)).string()});
  }
  static json::Value shown(const std::string& vin) {
    return parsed(cotter({"vehicle", "show", vin, "--json"}).out);
  }
  static void send(const test::VehicleVoice& voice, const std::string& vin) {
    auto db = storage::open_database(workspace() / "cotter.db").value();
    const auto receipt = app::accept_manifest(db, VehicleId(vin), voice.wire(), test::kNoon);
    ASSERT_TRUE(receipt) << explain(receipt.error());
  }

  static std::unique_ptr<sim::TempDir> folder;
};
std::unique_ptr<sim::TempDir> VehicleCommand::folder;

TEST_F(VehicleCommand, AddsAVehicleAndShowsIt) {
  const Ended added = add("CAR-A", 1);
  EXPECT_EQ(added.exit_code, kDone) << added.err;
  EXPECT_EQ(added.out, "vehicle CAR-A recorded with 3 ECUs\n");
  const json::Value vehicle = shown("CAR-A");
  EXPECT_TRUE(member(vehicle, "last_manifest_at").is_null());
  const json::Array& ecus = *member(vehicle, "ecus").as_array();
  ASSERT_EQ(ecus.size(), 3U);
  EXPECT_EQ(text_of(ecus[2], "serial"), "CAR-A-DOOR");
  EXPECT_EQ(text_of(ecus[2], "verification"), "partial");
  EXPECT_EQ(text_of(member(ecus[2], "factory_image"), "name"), "factory/door-mk2/1.bin");
  EXPECT_TRUE(member(ecus[2], "installed").is_null()) << "nobody has heard of it yet";
  const std::string words = cotter({"vehicle", "show", "CAR-A"}).out;
  EXPECT_NE(words.find("not heard of yet"), std::string::npos) << words;
}

TEST_F(VehicleCommand, AddsAVehicleFromStandardInput) {
  const json::Value record = test::factory_record("CAR-B", "CAR-B-", 11).encode();
  const fs::path file = write_file("CAR-B.json", json::to_text(record));
  const Ended added = world::run({.program = "/bin/sh",
                                  .arguments = {"-c", "exec \"$0\" -C \"$1\" vehicle add - --json < \"$2\"",
                                                COTTER, workspace().string(), file.string()},
                                  .environment = {},
                                  .log = {}})
                          .value();
  EXPECT_EQ(added.exit_code, kDone) << added.err;
  EXPECT_EQ(text_of(parsed(added.out), "vin"), "CAR-B");
}

TEST_F(VehicleCommand, ImportsManyAndTellsOfEachLineThatIsWrong) {
  const std::string good = json::to_text(test::factory_record("CAR-I1", "CAR-I1-", 171).encode());
  const std::string other = json::to_text(test::factory_record("CAR-I2", "CAR-I2-", 181).encode());
  const std::string file =
      write_file("import.jsonl", good + "\n{\"vin\":\"CAR-BAD\"}\n" + other + "\n").string();
  const fs::path report = folder->path() / "report.jsonl";
  const Ended refused = cotter({"vehicle", "import", file, "--report", report.string()});
  EXPECT_NE(refused.exit_code, kDone);
  EXPECT_NE(refused.err.find("line 2, vehicle CAR-BAD: "), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("none was recorded"), std::string::npos) << refused.err;
  const json::Value line = parsed(std::string(as_text(host::read_file(report, 4096).value())));
  EXPECT_EQ(*member(line, "line").as_int(), 2);
  EXPECT_EQ(fs::status(report).permissions() & fs::perms::others_all, fs::perms::none) << "VINs are in it";
  EXPECT_NE(cotter({"vehicle", "show", "CAR-I1"}).exit_code, kDone);

  const json::Value would =
      parsed(cotter({"vehicle", "import", file, "--skip-bad", "--dry-run", "--json"}).out);
  EXPECT_EQ(*member(would, "vehicles").as_int(), 2);
  EXPECT_FALSE(*member(would, "recorded").as_bool());
  const Ended done = cotter({"vehicle", "import", file, "--skip-bad"});
  EXPECT_EQ(done.exit_code, kDone) << done.err;
  EXPECT_EQ(done.out, "2 vehicles with 6 ECUs recorded; 1 left out\n");
  EXPECT_EQ(cotter({"vehicle", "show", "CAR-I2"}).exit_code, kDone);
  const json::Value page =
      parsed(cotter({"vehicle", "list", "--state", "unassigned", "--after", "CAR-I1", "--limit", "1",
                     "--hardware", "brake-mk4", "--seen-before", "2030-01-01", "--json"})
                 .out);
  ASSERT_EQ(member(page, "vehicles").as_array()->size(), 1U);
  EXPECT_EQ(text_of(member(page, "vehicles").as_array()->front(), "vin"), "CAR-I2");
  EXPECT_NE(cotter({"vehicle", "list", "--state", "lost"}).exit_code, kDone);
}

TEST_F(VehicleCommand, TagsVehiclesAndListsByTags) {
  ASSERT_EQ(add("CAR-T1", 191).exit_code, kDone);
  ASSERT_EQ(add("CAR-T2", 201).exit_code, kDone);
  const Ended done = cotter({"vehicle", "tag", "CAR-T1", "CAR-T2", "--add", "canary"});
  EXPECT_EQ(done.out, "2 of 2 vehicles changed\n") << done.err;
  const std::string from = write_file("vins.txt", "CAR-T2\n\nCAR-T1\r\n").string();
  const json::Value again =
      parsed(cotter({"vehicle", "tag", "--from", from, "--add", "canary", "--json"}).out);
  EXPECT_EQ(*member(again, "vehicles").as_int(), 2);
  EXPECT_EQ(*member(again, "changed").as_int(), 0) << "they have it";
  ASSERT_EQ(cotter({"vehicle", "tag", "CAR-T1", "--remove", "canary", "--add", "jp"}).exit_code, kDone);
  const json::Value page = parsed(cotter({"vehicle", "list", "--tag", "canary", "--json"}).out);
  ASSERT_EQ(member(page, "vehicles").as_array()->size(), 1U);
  EXPECT_EQ(text_of(member(page, "vehicles").as_array()->front(), "vin"), "CAR-T2");
  EXPECT_NE(cotter({"vehicle", "show", "CAR-T1"}).out.find("tags: jp"), std::string::npos);
  EXPECT_NE(cotter({"audit", "log", "--subject", "CAR-T1"}).out.find("vehicle-tags"), std::string::npos);

  const Ended unknown = cotter({"vehicle", "tag", "CAR-T1", "CAR-X", "CAR-Y", "--add", "lost"});
  EXPECT_EQ(unknown.exit_code, kNotFound);
  EXPECT_NE(unknown.err.find("CAR-X"), std::string::npos) << unknown.err;
  EXPECT_EQ(cotter({"vehicle", "show", "CAR-T1"}).out.find("lost"), std::string::npos) << "all or none";
  EXPECT_EQ(cotter({"vehicle", "tag", "CAR-T1", "--add", "a b"}).exit_code, kUsage);
  EXPECT_EQ(cotter({"vehicle", "tag", "CAR-T1", "--add", "a", "--remove", "a"}).exit_code, kUsage);
  EXPECT_EQ(cotter({"vehicle", "tag", "CAR-T1"}).exit_code, kUsage);
  EXPECT_EQ(cotter({"vehicle", "tag", "--add", "a"}).exit_code, kUsage);
  const std::string bad = write_file("bad.txt", "CAR-T1\n\"CAR-T2\"\n").string();
  const Ended quoted = cotter({"vehicle", "tag", "--from", bad, "--add", "a"});
  EXPECT_NE(quoted.err.find("line 2"), std::string::npos) << quoted.err;
}

TEST_F(VehicleCommand, ReplacesAnEcuByAnAuthorisedAct) {  // DIR-14
  ASSERT_EQ(add("CAR-R", 211).exit_code, kDone);
  ASSERT_EQ(cotter({"assign", "CAR-R", "CAR-R-BRAKE", "brakes/mk4/2.bin"}).exit_code, kDone);
  inventory::EcuRecord spare = test::factory_record("CAR-R", "SPARE-", 221).ecus[1];
  const std::string file = write_file("spare.json", json::to_text(spare.encode())).string();
  EXPECT_EQ(cotter({"vehicle", "ecu", "replace", "CAR-R", "CAR-R-BRAKE", file}).exit_code, kUsage)
      << "somebody will ask why";
  const Ended done =
      cotter({"vehicle", "ecu", "replace", "CAR-R", "CAR-R-BRAKE", file, "--reason", "order 7"});
  EXPECT_EQ(done.exit_code, kDone) << done.err;
  EXPECT_EQ(done.out,
            "ECU CAR-R-BRAKE left vehicle CAR-R\nECU SPARE-BRAKE is of vehicle CAR-R now\n"
            "it is to run brakes/mk4/2.bin, as the one before it\n");
  const json::Value vehicle = shown("CAR-R");
  const json::Array& former = *member(vehicle, "former_ecus").as_array();
  ASSERT_EQ(former.size(), 1U);
  EXPECT_EQ(text_of(former[0], "ecu"), "CAR-R-BRAKE");
  EXPECT_EQ(text_of(former[0], "reason"), "order 7");
  EXPECT_NE(cotter({"vehicle", "show", "CAR-R"}).out.find("order 7"), std::string::npos);
  const json::Value gone =
      parsed(cotter({"vehicle", "ecu", "remove", "CAR-R", "SPARE-BRAKE", "--reason", "sold", "--json"}).out);
  EXPECT_EQ(text_of(gone, "left"), "SPARE-BRAKE");
  EXPECT_TRUE(member(gone, "entered").is_null());
  EXPECT_EQ(text_of(gone, "image"), "brakes/mk4/2.bin");
  const Ended primary = cotter({"vehicle", "ecu", "remove", "CAR-R", "CAR-R-GATEWAY", "--reason", "sold"});
  EXPECT_EQ(primary.exit_code, kRefused);
  EXPECT_NE(primary.err.find("is the primary"), std::string::npos) << primary.err;
  const std::string no_json = write_file("spare.txt", "spare").string();
  EXPECT_EQ(cotter({"vehicle", "ecu", "add", "CAR-R", no_json, "--reason", "x"}).exit_code, kRefused);
}

TEST_F(VehicleCommand, ListsWhoWaitsInVainAndWhatToDo) {  // DIR-48
  ASSERT_EQ(add("CAR-S", 231).exit_code, kDone);
  ASSERT_EQ(cotter({"assign", "CAR-S", "CAR-S-BRAKE", "brakes/mk4/2.bin"}).exit_code, kDone);
  ASSERT_EQ(cotter({"vehicle", "tag", "CAR-S", "--add", "stuck-test"}).exit_code, kDone);
  const std::vector<std::string> list{"vehicle", "list", "--stuck", "--tag", "stuck-test"};
  EXPECT_EQ(cotter(list).out, "no vehicle waits in vain\n") << "it was assigned just now";
  auto later = list;
  later.insert(later.end(), {"--at", "2100-01-01"});
  const Ended words = cotter(later);
  EXPECT_NE(words.out.find("CAR-S, ECU CAR-S-BRAKE since "), std::string::npos) << words.out << words.err;
  EXPECT_NE(words.out.find("never sent a manifest"), std::string::npos) << words.out;
  later.emplace_back("--json");
  const json::Value told = parsed(cotter(later).out);
  ASSERT_EQ(member(told, "stuck").as_array()->size(), 1U);
  EXPECT_EQ(text_of(member(told, "stuck").as_array()->front(), "ecu"), "CAR-S-BRAKE");
  EXPECT_EQ(cotter({"vehicle", "list", "--within", "1d"}).exit_code, kUsage) << "of --stuck alone";
}

TEST_F(VehicleCommand, ListsVehicles) {
  ASSERT_EQ(add("CAR-C", 21).exit_code, kDone);
  const Ended words = cotter({"vehicle", "list"});
  EXPECT_EQ(words.exit_code, kDone);
  EXPECT_NE(words.out.find("CAR-C"), std::string::npos) << words.out;
  const json::Value all = parsed(cotter({"vehicle", "list", "--json"}).out);
  const auto& vehicles = *member(all, "vehicles").as_array();
  const auto found =
      std::ranges::find_if(vehicles, [](const json::Value& each) { return text_of(each, "vin") == "CAR-C"; });
  ASSERT_NE(found, vehicles.end());
  EXPECT_EQ(*member(*found, "ecus").as_int(), 3);
}

TEST_F(VehicleCommand, RefusesVehicleThatIsRecordedAlready) {  // DIR-12
  ASSERT_EQ(add("CAR-D", 31).exit_code, kDone);
  const Ended again = add("CAR-D", 31);
  EXPECT_EQ(again.exit_code, kRefused);
  EXPECT_NE(again.err.find("error: vehicle CAR-D is in the inventory already"), std::string::npos)
      << again.err;
  const Ended stolen_key = add("CAR-E", 31);
  EXPECT_EQ(stolen_key.exit_code, kRefused);
  EXPECT_NE(stolen_key.err.find("has the key of ECU CAR-D-GATEWAY"), std::string::npos) << stolen_key.err;
}

TEST_F(VehicleCommand, RefusesRecordThatIsNone) {
  EXPECT_EQ(cotter({"vehicle", "add", write_file("cut.json", R"({"vin":)").string()}).exit_code, kRefused);
  EXPECT_EQ(
      cotter({"vehicle", "add", write_file("twice.json", R"({"vin":"A","vin":"B"})").string()}).exit_code,
      kRefused);
  EXPECT_EQ(cotter({"vehicle", "add", write_file("empty.json", "").string()}).exit_code, kRefused);
  EXPECT_EQ(cotter({"vehicle", "add", (folder->path() / "nowhere.json").string()}).exit_code, kNotFound);
  const std::string huge(2'000'000, ' ');
  EXPECT_EQ(cotter({"vehicle", "add", write_file("huge.json", huge).string()}).exit_code, kFailed);
}

TEST_F(VehicleCommand, SaysHowItIsUsed) {
  EXPECT_EQ(cotter({"vehicle"}).exit_code, kUsage);
  EXPECT_EQ(cotter({"vehicle", "add"}).exit_code, kUsage);
  EXPECT_EQ(cotter({"assign", "CAR-A"}).exit_code, kUsage);
  EXPECT_EQ(cotter({"vehicle", "show", "NOBODY"}).exit_code, kNotFound);
}

TEST_F(VehicleCommand, AssignsAnImageWithoutAnyKey) {
  ASSERT_EQ(add("CAR-F", 41).exit_code, kDone);
  const Ended done = world::run({.program = COTTER,
                                 .arguments = {"-C", workspace().string(), "assign", "CAR-F", "CAR-F-BRAKE",
                                               "brakes/mk4/2.bin", "--json"},
                                 .environment = {{"COTTER_PASSPHRASE", ""}, {"COTTER_PASSPHRASE_HOLDER", ""}},
                                 .log = {}})
                         .value();
  ASSERT_EQ(done.exit_code, kDone) << done.err;
  EXPECT_TRUE(member(parsed(done.out), "before").is_null());
  const json::Value vehicle = shown("CAR-F");
  const json::Value& brake = member(vehicle, "ecus").as_array()->at(1);
  EXPECT_EQ(text_of(member(brake, "assigned"), "name"), "brakes/mk4/2.bin");
  EXPECT_FALSE(*member(brake, "confirmed").as_bool());
}

TEST_F(VehicleCommand, ConfirmsAssignmentOnceTheEcuReportsIt) {
  ASSERT_EQ(add("CAR-G", 51).exit_code, kDone);
  ASSERT_EQ(cotter({"assign", "CAR-G", "CAR-G-BRAKE", "brakes/mk4/2.bin"}).exit_code, kDone);
  test::VehicleVoice voice("CAR-G", "CAR-G-", 51);
  voice.reports.at("CAR-G-BRAKE").says.installed = test::image("brakes/mk4/2.bin", "brake 2");
  voice.reports.at("CAR-G-DOOR").says.attacks_detected = "image/root:root-expired";
  send(voice, "CAR-G");
  const json::Value vehicle = shown("CAR-G");
  const json::Value& brake = member(vehicle, "ecus").as_array()->at(1);
  EXPECT_TRUE(*member(brake, "confirmed").as_bool());
  EXPECT_EQ(text_of(member(brake, "installed"), "name"), "brakes/mk4/2.bin");
  const json::Array& attacks = *member(vehicle, "attacks").as_array();
  ASSERT_EQ(attacks.size(), 1U);
  EXPECT_EQ(text_of(attacks[0], "kind"), "detected");
  const std::string words = cotter({"vehicle", "show", "CAR-G"}).out;
  EXPECT_NE(words.find("confirmed"), std::string::npos) << words;
  EXPECT_NE(words.find("image/root:root-expired"), std::string::npos) << words;
}

TEST_F(VehicleCommand, SaysWhyAnImageCannotBeAssigned) {  // DIR-44
  ASSERT_EQ(add("CAR-H", 61).exit_code, kDone);
  EXPECT_EQ(cotter({"assign", "NOBODY", "CAR-H-BRAKE", "brakes/mk4/2.bin"}).exit_code, kNotFound);
  EXPECT_EQ(cotter({"assign", "CAR-H", "CAR-H-WING", "brakes/mk4/2.bin"}).exit_code, kNotFound);
  EXPECT_EQ(cotter({"assign", "CAR-H", "CAR-H-BRAKE", "brakes/mk4/9.bin"}).exit_code, kNotFound);
  const Ended other_hardware = cotter({"assign", "CAR-H", "CAR-H-DOOR", "brakes/mk4/2.bin"});
  EXPECT_EQ(other_hardware.exit_code, kRefused);
  EXPECT_NE(other_hardware.err.find("match-hardware-wrong"), std::string::npos) << other_hardware.err;

  test::VehicleVoice voice("CAR-H", "CAR-H-", 61);
  voice.reports.at("CAR-H-BRAKE").says.release_counter = ReleaseCounter(3);
  send(voice, "CAR-H");
  const Ended older = cotter({"assign", "CAR-H", "CAR-H-BRAKE", "brakes/mk4/2.bin"});
  EXPECT_EQ(older.exit_code, kRefused);
  EXPECT_NE(older.err.find("match-release-counter-lower"), std::string::npos) << older.err;
  EXPECT_NE(older.err.find("publish it anew with a higher counter"), std::string::npos) << older.err;
}

TEST_F(VehicleCommand, SignsADeviceCertificateForAVehicleOfTheInventory) {
  ASSERT_EQ(add("CAR-I", 71).exit_code, kDone);
  const fs::path request = folder->path() / "car.csr";
  const fs::path out = folder->path() / "car.crt";
  const Ended made =
      world::run({.program = "/usr/bin/openssl",
                  .arguments = {"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                "-nodes", "-keyout", (folder->path() / "car.key").string(), "-out",
                                request.string(), "-subj", "/CN=anything"},
                  .environment = {},
                  .log = {}})
          .value();
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  const Ended unknown =
      cotter({"vehicle", "certificate", "NOBODY", "--csr", request.string(), "--out", out.string()});
  EXPECT_EQ(unknown.exit_code, kNotFound);
  EXPECT_FALSE(fs::exists(out));
  const Ended signed_one =
      cotter({"vehicle", "certificate", "CAR-I", "--csr", request.string(), "--out", out.string()});
  EXPECT_EQ(signed_one.exit_code, kDone) << signed_one.err;
  const Ended subject =
      world::run({.program = "/usr/bin/openssl",
                  .arguments = {"x509", "-in", out.string(), "-noout", "-subject", "-nameopt", "RFC2253"},
                  .environment = {},
                  .log = {}})
          .value();
  EXPECT_NE(subject.out.find("CN=CAR-I"), std::string::npos) << subject.out;
  const Ended no_request = cotter({"vehicle", "certificate", "CAR-I", "--csr",
                                   write_file("no.csr", "nothing").string(), "--out", out.string()});
  EXPECT_EQ(no_request.exit_code, kUsage);
}

}  // namespace
}  // namespace cotter
