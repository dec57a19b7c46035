// The attack kit against a server: the real cotterd over real sockets must hold, servers that do not must be
// found out.
#include "tests/replay/server_run.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/manifest.h"
#include "tests/replay/server_stand.h"
#include "tests/replay/server_vehicle.h"
#include "tests/scenarios/runner/scenario.h"
#include "tests/sim/http_server.h"
#include "tests/sim/temp_dir.h"

namespace cotter::replay {
namespace {

using scenario::Scenario;

/// Those of the folder that are for servers; or these.
std::vector<Scenario> for_servers(const std::vector<std::string>& names = {}) {
  std::vector<Scenario> chosen;
  for (const auto& file : scenario::all_files()) {
    Scenario each = scenario::load(file);
    const bool fits = names.empty() ? std::ranges::any_of(each.heights,
                                                          [](const std::string& height) {
                                                            return height == "director" || height == "server";
                                                          })
                                    : std::ranges::find(names, each.name) != names.end();
    if (fits) chosen.push_back(std::move(each));
  }
  COTTER_ASSERT(names.empty() || chosen.size() == names.size());
  return chosen;
}
void nothing(const Verdict&) {}

std::string told(const Verdict& verdict) {
  std::string text = verdict.scenario + ": " + std::string(name_of(verdict.outcome)) + " " + verdict.why;
  if (verdict.finding) text += verdict.finding->what;
  for (const StepLine& line : verdict.story) text += "\n  " + line.verb + "  " + line.what;
  return text;
}

const json::Value& at(const json::Value& value, const char* name) { return *value.as_object()->find(name); }

/// One workspace for all tests of the real server: making one takes seconds of key derivation.
class AttackedCotterd : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    auto built = ServerStand::build(folder->path() / "stand", COTTER_PROGRAMS);
    ASSERT_TRUE(built) << summary(built.error());
    stand = std::make_unique<ServerStand>(*std::move(built));
  }
  static void TearDownTestSuite() {
    stand.reset();
    folder.reset();
  }
  static ServerOptions enrolled(const std::string& vin, bool with_certificates) {
    auto options = stand->enroll(vin, with_certificates);
    COTTER_ASSERT(options);
    return *options;
  }
  static inline std::unique_ptr<sim::TempDir> folder;
  static inline std::unique_ptr<ServerStand> stand;
};

TEST_F(AttackedCotterd,
       HoldsAgainstEveryScenarioOfAHostileVehicle) {  // ATK-39, ATK-40, ATK-42 to ATK-46, ATK-50
  ServerOptions options = enrolled("REPLAY-1", true);
  options.url = stand->start(false).value();
  const auto verdicts = run_against_server(options, for_servers(), [](const Verdict& verdict) {
    EXPECT_EQ(name_of(verdict.outcome), "as-required") << told(verdict);
    std::printf("%s (%lld ms)\n", told(verdict).c_str(), static_cast<long long>(verdict.milliseconds));
  });
  ASSERT_TRUE(verdicts) << summary(verdicts.error());
  EXPECT_GE(verdicts->size(), 30U);
  ASSERT_TRUE(stand->running());
  const json::Value known = stand->inventory("REPLAY-1").value();
  EXPECT_EQ(at(known, "pending_ecus").as_array()->size(), 100U) << "kept for a person, and not without end";
  const Identity identity = Identity::open(options.seed_file, options.vin).value();
  for (std::size_t i = 0; i < 3; ++i) {
    const json::Value& ecu = at(known, "ecus").as_array()->at(i);
    EXPECT_EQ(*at(ecu, "keyid").as_string(), identity.record().ecus.at(i).key.computed_id().value());
    EXPECT_EQ(at(ecu, "quarantined"), json::Value(false));
  }
  EXPECT_TRUE(at(stand->inventory("REPLAY-1-NEIGHBOUR").value(), "attacks").as_array()->empty());
  EXPECT_EQ(stand->stop(), 0);
}

TEST_F(AttackedCotterd, IsAttackedByNameWithoutTls) {
  ServerOptions options = enrolled("BY-NAME", false);
  options.url = stand->start(true).value() + "/";
  const auto verdicts =
      run_against_server(options,
                         for_servers({"manifest-sent-again", "registration-of-strangers",
                                      "server-asked-for-a-neighbours-metadata", "timestamp-expired"}),
                         &nothing);
  ASSERT_TRUE(verdicts) << summary(verdicts.error());
  ASSERT_EQ(verdicts->size(), 4U);
  EXPECT_EQ(name_of(verdicts->at(0).outcome), "as-required") << told(verdicts->at(0));
  EXPECT_EQ(name_of(verdicts->at(1).outcome), "as-required") << told(verdicts->at(1));
  EXPECT_EQ(name_of(verdicts->at(2).outcome), "not-asked") << "it is about certificates";
  EXPECT_EQ(name_of(verdicts->at(3).outcome), "not-asked") << "it is for clients";
  EXPECT_EQ(stand->stop(), 0);
}

TEST_F(AttackedCotterd, IsNotJudgedBeforeItKnowsTheVehicles) {
  ServerOptions options;
  options.seed_file = folder->path() / "strangers.seed";
  options.vin = "STRANGER";
  options.url = stand->start(true).value();
  const auto verdicts = run_against_server(options, for_servers(), &nothing);
  ASSERT_FALSE(verdicts);
  EXPECT_TRUE(is_fault(verdicts.error(), Fault::Kind::NotFound)) << summary(verdicts.error());
  EXPECT_NE(std::get<Fault>(verdicts.error()).hint.find("vehicle-record"), std::string::npos);
  stand->stop();
  const auto nobody = run_against_server(options, for_servers(), &nothing);
  ASSERT_FALSE(nobody);
  EXPECT_TRUE(is_fault(nobody.error(), Fault::Kind::Network)) << summary(nobody.error());
}

/// A director of nobody's: what it answers to writes is the test's.
class OtherServer {
 public:
  using Answer = std::function<sim::HttpResponse(const sim::HttpRequest&, int write)>;
  explicit OtherServer(Answer answer)
      : answer_(std::move(answer)),
        server_([this](const sim::HttpRequest& request) { return serve(request); }) {
    options.url = server_.url();
    options.seed_file = folder_.path() / "seed";
    options.patience = std::chrono::seconds(2);
  }
  Verdict play(const std::string& scenario) {
    const auto verdicts = run_against_server(options, for_servers({scenario}), &nothing);
    if (!verdicts) ADD_FAILURE() << summary(verdicts.error());
    return verdicts ? verdicts->front() : Verdict{};
  }
  static sim::HttpResponse said(int status, const std::string& body = "{}") {
    sim::HttpResponse response;
    response.status = status;
    response.body = to_bytes(body);
    return response;
  }
  ServerOptions options;
  std::atomic<bool> drowns_neighbours{false};

 private:
  sim::HttpResponse serve(const sim::HttpRequest& request) {
    if (drowns_neighbours && request.target.find("NEIGHBOUR") != std::string::npos) return said(503);
    if (request.method != "GET") return answer_(request, ++writes_);
    const std::string& path = request.target;
    if (path.ends_with("/timestamp.json"))
      return said(200, R"({"signed":{"meta":{"snapshot.json":{"version":1}}}})");
    if (path.ends_with("/1.snapshot.json"))
      return said(200, R"({"signed":{"meta":{"targets.json":{"version":1}}}})");
    if (path.ends_with("/1.targets.json")) return said(200, R"({"signed":{"targets":{}}})");
    return answer_(request, writes_);
  }
  sim::TempDir folder_;
  Answer answer_;
  int writes_ = 0;
  sim::HttpServer server_;
};

/// Confirms whatever it is told.
sim::HttpResponse believe(const sim::HttpRequest& request, int) {
  const auto body = json::read(request.body);
  const json::Value* ecus = body && body->as_object() ? body->as_object()->find("ecus") : nullptr;
  json::Array confirmed;
  if (ecus != nullptr && ecus->as_array() != nullptr) {
    for (const json::Value& ecu : *ecus->as_array()) confirmed.push_back(at(ecu, "ecu_serial"));
  }
  return OtherServer::said(200, json::to_text(json::Object{{"confirmed", std::move(confirmed)}}));
}

TEST_F(AttackedCotterd, IsAttackedFromTheCommandLine) {
  const std::string seed = (folder->path() / "command-line.seed").string();
  const auto replay = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--seed", seed, "--vin", "COMMAND"});
    return world::run(
               {std::filesystem::path(COTTER_PROGRAMS) / "cotter-replay", std::move(arguments), {}, {}})
        .value();
  };
  for (const bool neighbour : {false, true}) {
    std::vector<std::string> arguments = {"vehicle-record"};
    if (neighbour) arguments.emplace_back("--neighbour");
    const world::Ended printed = replay(arguments);
    ASSERT_EQ(printed.exit_code, 0) << printed.err;
    const auto record = inventory::VehicleRecord::decode(json::read(as_bytes(printed.out)).value());
    ASSERT_TRUE(record) << summary(record.error());
    ASSERT_TRUE(stand->record(*record));
  }
  const std::string url = stand->start(true).value();
  const world::Ended run = replay({"run", "--server", url, "--scenario", "manifest-sent-again", "--scenario",
                                   "registration-of-strangers"});
  EXPECT_EQ(run.exit_code, 0) << run.out << run.err;
  EXPECT_TRUE(run.out.ends_with("2 scenarios: 2 as required, 0 fooled, 0 waiting\n")) << run.out;
  stand->stop();

  OtherServer gullible(&believe);
  const world::Ended fooled =
      replay({"run", "--server", gullible.options.url, "--scenario", "manifest-sent-again"});
  EXPECT_EQ(fooled.exit_code, 3) << fooled.out << fooled.err;
  EXPECT_TRUE(fooled.out.ends_with("1 scenarios: 0 as required, 1 fooled, 0 waiting\n")) << fooled.out;
  EXPECT_EQ(replay({"run", "--server", "https://127.0.0.1:1"}).exit_code, 2)
      << "over TLS, and no certificate";
  EXPECT_EQ(replay({"run", "--server", url, "--client", "true"}).exit_code, 2);
}

/// The scenarios that a server which believes everything must fail: all that send it something to believe.
std::vector<Scenario> of_belief() {
  std::vector<Scenario> all = for_servers();
  std::erase_if(all, [](const Scenario& scenario) {
    return std::ranges::none_of(scenario.steps, [](const json::Value& step) {
      const json::Value& what = scenario::verb_of(step).value;
      if (what.as_object() == nullptr || scenario::flag(what, "tls")) return false;
      const json::Value* result = scenario::find(what, "result");
      return result != nullptr && *result != json::Value("ok") && *result != json::Value("confirmed") &&
             *result != json::Value("as-usual");
    });
  });
  return all;
}

TEST(KitAgainstServers, CatchesOneThatBelievesEverything) {
  const std::vector<Scenario> lies = of_belief();
  EXPECT_GE(lies.size(), 22U);
  OtherServer gullible(&believe);
  const auto verdicts = run_against_server(gullible.options, lies, &nothing);
  ASSERT_TRUE(verdicts) << summary(verdicts.error());
  for (const Verdict& verdict : *verdicts) {
    EXPECT_EQ(name_of(verdict.outcome), "fooled") << told(verdict);
    EXPECT_TRUE(verdict.finding && verdict.finding->lapse == Lapse::Accepted) << told(verdict);
  }
}

TEST(KitAgainstServers, CatchesOneThatALieLocksTheVehicleOutOf) {
  bool lied_to = false;
  OtherServer sulking([&](const sim::HttpRequest& request, int) {
    lied_to = lied_to || as_text(request.body).find("9007199254740991") != std::string_view::npos;
    return OtherServer::said(lied_to ? 422 : 200);
  });
  const Verdict verdict = sulking.play("manifest-forged-to-lock-the-vehicle-out");
  ASSERT_TRUE(verdict.finding) << told(verdict);
  EXPECT_EQ(name_of(verdict.finding->lapse), "kept") << told(verdict);
}

TEST(KitAgainstServers, CatchesOneThatFailsInsteadOfRefusing) {
  OtherServer fragile([](const sim::HttpRequest& request, int) {
    return OtherServer::said(as_text(request.body).starts_with('[') ? 500 : 200);
  });
  const Verdict verdict = fragile.play("server-sent-documents-that-break-parsers");
  ASSERT_TRUE(verdict.finding) << told(verdict);
  EXPECT_EQ(name_of(verdict.finding->lapse), "crashed") << told(verdict);
}

TEST(KitAgainstServers, HoldsOneThatNamesRulesToThem) {
  OtherServer confused([](const sim::HttpRequest&, int write) {
    return write <= 3 ? OtherServer::said(200) : OtherServer::said(422, R"({"rule":"manifest-time-wrong"})");
  });
  const Verdict verdict = confused.play("manifest-sent-again");
  ASSERT_TRUE(verdict.finding) << told(verdict);
  EXPECT_EQ(name_of(verdict.finding->lapse), "unnamed") << told(verdict);
}

TEST(KitAgainstServers, CatchesOneThatServesFilesOfItsOwn) {
  OtherServer open([](const sim::HttpRequest& request, int) {
    return OtherServer::said(
        request.target.find("passwd") != std::string::npos || request.method != "GET" ? 200 : 404);
  });
  const Verdict verdict = open.play("server-asked-for-files-of-its-own");
  ASSERT_TRUE(verdict.finding) << told(verdict);
  EXPECT_NE(verdict.finding->what.find("passwd"), std::string::npos) << told(verdict);
}

TEST(KitAgainstServers, CatchesOneThatWaitsForDripsWithoutEnd) {
  OtherServer patient([](const sim::HttpRequest&, int) { return OtherServer::said(200); });
  const Verdict verdict = patient.play("server-fed-byte-by-byte");
  ASSERT_TRUE(verdict.finding) << told(verdict);
  EXPECT_EQ(name_of(verdict.finding->lapse), "held") << told(verdict);
}

TEST(KitAgainstServers, CatchesOneThatServesNobodyElseUnderAFlood) {
  OtherServer* self = nullptr;
  OtherServer drowning([&](const sim::HttpRequest&, int write) {
    self->drowns_neighbours = write > 40;
    return OtherServer::said(write > 1000 ? 429 : 200);
  });
  self = &drowning;
  drowning.options.others_within = std::chrono::seconds(1);
  const Verdict verdict = drowning.play("server-flooded-with-manifests");
  ASSERT_TRUE(verdict.finding) << told(verdict);
  EXPECT_EQ(name_of(verdict.finding->lapse), "kept") << told(verdict);
}

TEST(KitAgainstServers, CatchesOneThatLetsAVehicleCallAsOftenAsItLikes) {
  OtherServer tireless([](const sim::HttpRequest&, int) { return OtherServer::said(200); });
  for (const char* flood : {"server-flooded-with-manifests", "server-flooded-with-registrations"}) {
    const Verdict verdict = tireless.play(flood);
    ASSERT_TRUE(verdict.finding) << told(verdict);
    EXPECT_EQ(name_of(verdict.finding->lapse), "accepted") << told(verdict);
  }
}

// A step that the kit passed over would be judged by an honest manifest, and be as required.
TEST(KitVehicle, SaysWhateverAStepCanMakeItSay) {
  const sim::TempDir dir;
  const Identity identity = Identity::open(dir.path() / "seed").value();
  SpokenVehicle vehicle(identity, identity.record(), 1);
  const std::string door = identity.vin() + "-DOOR", brake = identity.vin() + "-BRAKE";
  const auto said = [&](const json::Object& step) {
    const json::Value document = json::read(vehicle.manifest(step)).value();
    return model::VehicleManifest::decode(at(document, "signed")).value();
  };
  const auto report = [&](const model::VehicleManifest& manifest, const std::string& serial) {
    return model::VersionReport::decode(at(manifest.reports.at(EcuSerial(serial)), "signed")).value();
  };
  const json::Object lie{{"of", door}, {"runs", "a lie"}, {"attacks", "x"}, {"pad", 3}, {"verified", 6}};
  EXPECT_EQ(report(said({{"report", lie}}), door).installed.length, 5U);
  EXPECT_EQ(report(said({{"report", lie}}), door).attacks_detected, "xxxx");
  const auto both = said({{"reports", json::Array{lie, json::Object{{"of", brake}, {"verified", 5}}}}});
  EXPECT_EQ(report(both, door).director_targets_version, Version(6));
  EXPECT_EQ(report(both, brake).director_targets_version, Version(5));
  const auto rejecting = said({{"rejected", door}});
  EXPECT_TRUE(rejecting.rejected.contains(EcuSerial(door)));
  EXPECT_FALSE(rejecting.reports.contains(EcuSerial(door)));
}

TEST(KitIdentity, IsTheSameInEveryRunAndNobodyElsesToRead) {
  const sim::TempDir folder;
  const auto file = folder.path() / "seed";
  const auto first = Identity::open(file).value().record().encode();
  EXPECT_EQ(Identity::open(file).value().record().encode(), first);
  EXPECT_NE(Identity::open(folder.path() / "another").value().record().encode(), first);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_TRUE(host::write_atomically(file, as_bytes("no seed")));
  EXPECT_TRUE(is_fault(Identity::open(file).error(), Fault::Kind::Usage));
}

TEST(ServerAddress, IsReadAsPeopleWriteIt) {
  const auto six = ServerAddress::parse("https://[::1]:8443/fleet/").value();
  EXPECT_EQ(six.host, "::1");
  EXPECT_EQ(six.port, "8443");
  EXPECT_EQ(six.base, "/fleet");
  EXPECT_TRUE(six.tls && six.is_loopback());
  EXPECT_EQ(six.authority(), "[::1]:8443");
  const auto plain = ServerAddress::parse("http://director.example").value();
  EXPECT_EQ(plain.port, "80");
  EXPECT_FALSE(plain.tls || plain.is_loopback());
  for (const char* wrong : {"", "127.0.0.1:8443", "ftp://x", "https://", "https://:1"})
    EXPECT_FALSE(ServerAddress::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace cotter::replay
