// What use cases leave in the ledger.
#include "server/app/record.h"

#include <gtest/gtest.h>

#include "server/app/assign.h"
#include "server/app/audit_verify.h"
#include "server/keys/file_log_signer.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/sim/sim_key.h"
#include "tests/unit/server/app/depot.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/release_workspace.h"
#include "tests/unit/server/test_workspace.h"

namespace {

using namespace cotter;
using namespace cotter::test;

/// "ROLE FROM-TO" of each.
std::vector<std::string> spent_in(const ledger::Entry& entry) {
  std::vector<std::string> all;
  for (const json::Value& each : *entry.details.find("versions")->as_array()) {
    const json::Object& versions = *each.as_object();
    all.push_back(std::string(versions.find("role")->as_string()->view()) + " " +
                  std::to_string(versions.find("from")->as_int().value()) + "-" +
                  std::to_string(versions.find("to")->as_int().value()));
  }
  return all;
}

std::vector<ledger::Entry> entries_in(const std::filesystem::path& database, std::string_view kind) {
  host::Db db = storage::open_database(database).value();
  storage::LedgerFilter filter;
  filter.kind = kind;
  std::vector<ledger::Entry> all;
  EXPECT_TRUE(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
    all.push_back(ledger::Entry::decode(row.body).value());
    return {};
  }));
  return all;
}

class Recorded : public testing::Test {
 protected:
  [[nodiscard]] std::vector<ledger::Entry> entries(const storage::LedgerFilter& filter = {}) const {
    host::Db db = depot.database();
    std::vector<ledger::Entry> all;
    EXPECT_TRUE(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
      all.push_back(ledger::Entry::decode(row.body).value());
      return {};
    }));
    return all;
  }
  [[nodiscard]] std::size_t count(std::string_view kind) const {
    return entries({.kind = std::string(kind)}).size();
  }

  Depot depot;
};

TEST_F(Recorded, VehicleWithItsKeys) {
  depot.add_vehicle();
  const auto all = entries();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].kind, ledger::kRegistration);
  EXPECT_EQ(all[0].subject, "VIN-1");
  EXPECT_EQ(all[0].who, app::acting_account());
  EXPECT_EQ(all[0].details.find("ecus")->as_array()->size(), depot.vehicle().ecus.size());
}

TEST_F(Recorded, VehicleOfMoreEcusThanAnEntryHolds) {
  const json::Value factory = factory_record("VIN-1", "", 1).encode();
  json::Object record = *factory.as_object();
  const json::Value& first = (*record.find("ecus")->as_array())[0];
  json::Array ecus;
  for (int i = 0; i < 400; ++i) {
    json::Object ecu = *first.as_object();
    ecu.set("serial", std::string(120, 's') + std::to_string(i));
    ecu.set("primary", i == 0);
    ecu.set("key", crypto::PublicKey::ed25519(crypto::sha256(as_bytes(std::to_string(i)))).encode());
    ecus.emplace_back(std::move(ecu));
  }
  record.set("ecus", std::move(ecus));
  host::Db db = depot.database();
  const auto added = app::register_vehicle(db, as_bytes(json::to_text(record)), kNoon);
  ASSERT_TRUE(added) << explain(added.error());
  EXPECT_EQ(count(ledger::kRegistration), 4U);
}

TEST_F(Recorded, NoVehicleThatWasNotTaken) {
  depot.add_vehicle();
  host::Db db = depot.database();
  const std::string record = json::to_text(factory_record("VIN-1", "", 1).encode());
  ASSERT_FALSE(app::register_vehicle(db, as_bytes(record), kNoon));
  EXPECT_EQ(entries().size(), 1U);
}

TEST_F(Recorded, DirectorsSigningWithWhatItSigned) {
  depot.add_vehicle();
  sim::SimKey key("ledger");
  keys::FileLogSigner ledger_key(depot.dir.path(), key);
  auto service = app::DirectorService::open(depot.places(),
                                            test::always({&depot.targets_signer, &depot.keys.snapshot_key,
                                                          &depot.keys.timestamp_key, &ledger_key}),
                                            depot.clock)
                     .value();
  const Bytes timestamp = service->metadata(VehicleId("VIN-1"), "timestamp.json").value();
  const auto signatures = entries({.kind = std::string(ledger::kSignature)});
  ASSERT_EQ(signatures.size(), 1U);
  EXPECT_EQ(signatures[0].subject, "VIN-1");
  const json::Array& files = *signatures[0].details.find("files")->as_array();
  ASSERT_EQ(files.size(), 3U);
  const json::Object& last = *files[2].as_object();
  EXPECT_EQ(*last.find("role")->as_string(), "timestamp");
  EXPECT_EQ(*last.find("sha256")->as_string(), to_hex(crypto::sha256(timestamp)));
  EXPECT_EQ(*(*last.find("keyids")->as_array())[0].as_string(),
            depot.keys.timestamp_key.public_key().computed_id().value());
  host::Db db = depot.database();
  const auto health = app::verify_ledger(db, ledger::verifier_key(ledger_key.public_key()).value()).value();
  EXPECT_TRUE(health.healthy());
  EXPECT_EQ(health.signed_head.value().size, health.size) << "signed for in the same transaction";
}

/// As a signing process answers that remembers more entries than this log has (ledger-shrinks).
struct LongerMemory final : ledger::LogSigner {
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key.public_key(); }
  Result<std::optional<ledger::SignedHead>> last() override { return fault(kind, "ledger-shrinks"); }
  Result<std::string> sign(const ledger::Log&) override { return fault(kind, "ledger-shrinks"); }
  sim::SimKey key{"ledger"};
  Fault::Kind kind = Fault::Kind::Conflict;
};

TEST_F(Recorded, UnsignedWhereTheSigningProcessRemembersALongerLog) {
  depot.add_vehicle();
  LongerMemory ledger_key;
  auto service = app::DirectorService::open(depot.places(),
                                            test::always({&depot.targets_signer, &depot.keys.snapshot_key,
                                                          &depot.keys.timestamp_key, &ledger_key}),
                                            depot.clock)
                     .value();
  ledger_key.kind = Fault::Kind::Denied;
  EXPECT_FALSE(service->metadata(VehicleId("VIN-1"), "timestamp.json")) << "any other failure is one";
  EXPECT_EQ(count(ledger::kSignature), 0U) << "nothing more is signed before what is there is signed for";
  ledger_key.kind = Fault::Kind::Conflict;
  EXPECT_TRUE(service->metadata(VehicleId("VIN-1"), "timestamp.json")) << "vehicles do not wait for us";
  EXPECT_EQ(count(ledger::kSignature), 1U);
}

TEST_F(Recorded, NothingOfAPollWithoutNews) {
  depot.add_vehicle();
  auto service = depot.open();
  ASSERT_TRUE(service->metadata(VehicleId("VIN-1"), "timestamp.json"));
  const std::size_t before = entries().size();
  for (int poll = 0; poll < 20; ++poll) {
    ASSERT_TRUE(service->metadata(VehicleId("VIN-1"), "timestamp.json"));
    ASSERT_TRUE(service->metadata(VehicleId("VIN-1"), "1.targets.json"));
  }
  EXPECT_EQ(entries().size(), before);
}

TEST_F(Recorded, NoSigningThatFailed) {
  depot.add_vehicle();
  auto service = depot.open();
  depot.targets_signer.broken = true;
  ASSERT_FALSE(service->metadata(VehicleId("VIN-1"), "timestamp.json"));
  EXPECT_EQ(count(ledger::kSignature), 0U);
}

TEST_F(Recorded, VersionsOfSigningsThatFailedWithTheOneThatDidNot) {
  depot.add_vehicle();
  auto service = depot.open();
  depot.targets_signer.broken = true;
  for (int poll = 0; poll < 2; ++poll) ASSERT_FALSE(service->metadata(VehicleId("VIN-1"), "timestamp.json"));
  EXPECT_EQ(count(ledger::kSpent), 0U);
  depot.targets_signer.broken = false;
  ASSERT_TRUE(service->metadata(VehicleId("VIN-1"), "timestamp.json"));
  const auto spent = entries({.kind = std::string(ledger::kSpent)});
  ASSERT_EQ(spent.size(), 1U);
  EXPECT_EQ(spent[0].subject, "VIN-1");
  EXPECT_EQ(*spent[0].details.find("repository")->as_string(), "director");
  EXPECT_EQ(spent_in(spent[0]), (std::vector<std::string>{"targets 1-2", "snapshot 1-2", "timestamp 1-2"}));
}

TEST_F(Recorded, AssignmentWithTheImagesDigest) {
  depot.add_vehicle();
  const TargetName image("brakes/mk4/2.bin");
  depot.images.publish({{image, entry_for("brake 2", {HardwareId("brake-mk4")}, 2)}});
  host::Db db = depot.database();
  const auto repo = depot.places().repo_dir;
  ASSERT_TRUE(app::assign(db, repo, VehicleId("VIN-1"), EcuSerial("BRAKE"), image, kNoon));
  ASSERT_FALSE(app::assign(db, repo, VehicleId("VIN-1"), EcuSerial("DOOR"), image, kNoon));
  const auto assignments = entries({.kind = std::string(ledger::kAssignment)});
  ASSERT_EQ(assignments.size(), 1U) << "the other was refused";
  const json::Object& details = assignments[0].details;
  EXPECT_EQ(*details.find("ecu")->as_string(), "BRAKE");
  EXPECT_EQ(*details.find("image")->as_string(), "brakes/mk4/2.bin");
  EXPECT_EQ(*details.find("source")->as_string(), "operator");
  EXPECT_EQ(crypto::Hashes::decode(*details.find("hashes")).value(), crypto::Hashes::of(as_bytes("brake 2")));
}

TEST_F(Recorded, FirstOfARowOfAssignmentsThatWereRefused) {
  depot.add_vehicle();
  const TargetName image("brakes/mk4/2.bin");
  depot.images.publish({{image, entry_for("brake 2", {HardwareId("brake-mk4")}, 2)}});
  host::Db db = depot.database();
  const auto wish = [&](const char* ecu, const char* name) {
    return app::assign(db, depot.places().repo_dir, VehicleId("VIN-1"), EcuSerial(ecu), TargetName(name),
                       kNoon);
  };
  for (int time = 0; time < 3; ++time) ASSERT_FALSE(wish("DOOR", "brakes/mk4/2.bin"));
  auto refusals = entries({.kind = std::string(ledger::kRefusal)});
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].subject, "VIN-1");
  EXPECT_EQ(refusals[0].who, app::acting_account());
  EXPECT_EQ(*refusals[0].details.find("document")->as_string(), "assignment");
  EXPECT_EQ(*refusals[0].details.find("image")->as_string(), image.value());
  EXPECT_EQ(*refusals[0].details.find("rule")->as_string(), "match-hardware-wrong");
  EXPECT_FALSE(wish("BRAKE", "no/such.bin")) << "a slip is no refusal";
  EXPECT_FALSE(wish("NONE", "brakes/mk4/2.bin"));
  EXPECT_EQ(count(ledger::kRefusal), 1U);
}

TEST_F(Recorded, FirstOfARowOfManifestsThatBreakOneRule) {
  depot.add_vehicle();
  host::Db db = depot.database();
  for (int time = 0; time < 5; ++time) {
    EXPECT_FALSE(app::accept_manifest(db, VehicleId("VIN-1"), as_bytes("{}"), kNoon));
  }
  auto refusals = entries({.kind = std::string(ledger::kRefusal)});
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].who, "vehicle:VIN-1");
  EXPECT_EQ(*refusals[0].details.find("sha256")->as_string(), to_hex(crypto::sha256(as_bytes("{}"))));
  EXPECT_FALSE(app::accept_manifest(db, VehicleId("VIN-1"), as_bytes("[["), kNoon));
  EXPECT_EQ(count(ledger::kRefusal), 2U);
  EXPECT_EQ(depot.count("manifest"), 6) << "the inventory has them all";
}

class RecordedPublication : public testing::Test {
 protected:
  Result<app::PublishOutcome> publish(std::initializer_list<std::size_t> holders) {
    app::PublishRequest request = ws.request("a.bin", "firmware", holders);
    request.online = [this]() -> Result<app::OnlineSigners> { return online; };
    return ws.publish(request);
  }
  [[nodiscard]] std::vector<ledger::Entry> entries() const {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    std::vector<ledger::Entry> all;
    EXPECT_TRUE(storage::LedgerStore(db).each({}, [&](const storage::LedgerRow& row) -> Result<void> {
      all.push_back(ledger::Entry::decode(row.body).value());
      return {};
    }));
    return all;
  }
  [[nodiscard]] std::vector<std::string> kinds() const {
    std::vector<std::string> kinds;
    for (const ledger::Entry& entry : entries()) kinds.push_back(entry.kind);
    return kinds;
  }

  TestWorkspace ws;
  sim::SimKey key{"ledger"};
  sim::TempDir memory;
  keys::FileLogSigner ledger_key{memory.path(), key};
  sim::SimKey stranger{"stranger"};
  app::OnlineSigners online{ws.keys.snapshot[0].get(), ws.keys.timestamp[0].get(), &ledger_key};
};

TEST_F(RecordedPublication, TellsOfDraftSignaturesAndFiles) {
  ASSERT_TRUE(publish({0, 1}));
  ASSERT_EQ(kinds(),
            (std::vector<std::string>{"draft", "signature", "signature", "ceremony", "publication"}));
  const auto all = entries();
  const ledger::Entry& transcript = all[3];
  EXPECT_EQ(transcript.subject, "image/targets");
  const std::string sha256(*transcript.details.find("signed_sha256")->as_string());
  EXPECT_EQ(transcript.details.find("read_aloud")->as_string()->view().substr(0, 4), sha256.substr(0, 4));
  EXPECT_EQ(*all[0].details.find("signed_sha256")->as_string(), sha256);
  EXPECT_EQ(transcript.details.find("keyids")->as_array()->size(), 2U);
  const json::Array& changes = *transcript.details.find("changes")->as_array();
  ASSERT_EQ(changes.size(), 2U) << "version and the image";
  EXPECT_TRUE(changes[1].as_string()->view().starts_with("image in: "));
  const json::Array& files = *all[4].details.find("files")->as_array();
  ASSERT_EQ(files.size(), 3U);
  const json::Object& targets = *files[0].as_object();
  EXPECT_EQ(*targets.find("role")->as_string(), "targets");
  const std::string wire = content_of(ws.repo() / "2.targets.json");
  EXPECT_EQ(*targets.find("sha256")->as_string(), to_hex(crypto::sha256(as_bytes(wire))));
  EXPECT_EQ(targets.find("keyids")->as_array()->size(), 2U);
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  const auto verifier = ledger::verifier_key(ledger_key.public_key()).value();
  EXPECT_EQ(app::verify_ledger(db, verifier)->signed_head.value().size, 5U);
}

TEST_F(RecordedPublication, TellsOfEachHolderWhenHeSigns) {
  ASSERT_TRUE(publish({}));
  EXPECT_EQ(kinds(), (std::vector<std::string>{"draft"}));
  ASSERT_TRUE(publish({2}));
  ASSERT_EQ(kinds(), (std::vector<std::string>{"draft", "signature"}));
  const auto all = entries();
  EXPECT_EQ(*all[0].details.find("signed_sha256"), *all[1].details.find("signed_sha256"));
  EXPECT_EQ(*(*all[1].details.find("keyids")->as_array())[0].as_string(),
            ws.keys.targets[2]->public_key().computed_id().value());
}

TEST_F(RecordedPublication, DoesNotTellOfFilesThatClientsWouldRefuse) {
  online.timestamp = &stranger;
  ASSERT_FALSE(publish({0, 1}));
  const std::vector<std::string> told = {"draft", "signature", "signature", "refusal"};
  EXPECT_EQ(kinds(), told);
  EXPECT_EQ(*entries()[3].details.find("image")->as_string(), "a.bin");
}

TEST_F(RecordedPublication, TellsOnceOfVersionsThatNobodyWasGiven) {
  crypto::Signer* const whole = online.timestamp;
  online.timestamp = &stranger;
  for (int time = 0; time < 2; ++time) ASSERT_FALSE(publish({0, 1}));
  online.timestamp = whole;
  EXPECT_TRUE(entries_in(ws.workspace().db_path(), ledger::kSpent).empty());
  ASSERT_TRUE(publish({0, 1}));
  const auto told = kinds();
  EXPECT_EQ(told[told.size() - 3], ledger::kSpent) << "with the publication and its transcript";
  ASSERT_TRUE(ws.publish("b.bin", "other"));
  const auto spent = entries_in(ws.workspace().db_path(), ledger::kSpent);
  ASSERT_EQ(spent.size(), 1U);
  EXPECT_EQ(spent[0].subject, "image");
  EXPECT_EQ(spent_in(spent[0]), (std::vector<std::string>{"snapshot 2-3", "timestamp 2-3"}));
}

TEST(RecordedRelease, TellsOfBinsThatWereSignedForNobody) {
  const ReleaseWorkspace ws;
  ASSERT_TRUE(ws.init_role());
  const auto before = (*ws.read()->snapshot())->version.value();
  sim::SimKey stranger("stranger");
  app::ApplyRequest request = ws.request({ws.artifact("a", "a")});
  request.signers = [&](const RoleName&) -> Result<app::ReleaseSigners> {
    return app::ReleaseSigners{{ws.keys.snapshot.front().get(), &stranger}, ws.release_key.front().get()};
  };
  ASSERT_FALSE(app::apply_release(ws.workspace(), request, kNow)) << "a client would refuse its timestamp";
  ASSERT_TRUE(ws.apply({ws.artifact("a", "a")}));
  const auto spent = entries_in(ws.workspace().db_path(), ledger::kSpent);
  ASSERT_EQ(spent.size(), 1U);
  const std::string next = std::to_string(before + 1);
  EXPECT_EQ(spent_in(spent[0]).at(0), "fw 2-2");
  EXPECT_EQ(spent_in(spent[0]).at(1), "snapshot " + next + "-" + next);
}

TEST_F(RecordedPublication, GoesOnUnsignedWithoutAKey) {
  online.ledger = nullptr;
  ASSERT_TRUE(publish({0, 1}));
  EXPECT_EQ(kinds().size(), 5U);
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  EXPECT_TRUE(storage::LedgerStore(db).checkpoints()->empty());
  EXPECT_TRUE(app::verify_ledger(db, std::nullopt)->healthy());
}

}  // namespace
