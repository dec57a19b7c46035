// What the programs really wrote, against the schemas that we publish for it.
#include <rapidjson/document.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

#include <functional>

#include "common/host/system_clock.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/time_attestation.h"
#include "common/model/time_source.h"
#include "server/app/time_service.h"
#include "server/keys/keyring.h"
#include "server/storage/sqlite/database.h"
#include "tests/integration/vehicle_world.h"

namespace cotter::world {
namespace {

std::string text_of(const fs::path& file) {
  const Bytes bytes = must(host::read_file(file, 1 << 24));
  return std::string(as_text(bytes));
}

class Schema {
 public:
  explicit Schema(const std::string& name) : document_(load(name)), schema_(document_) {}

  /// Empty when `text` is an instance; else where it is not.
  std::string complaint(const std::string& text) const {
    rapidjson::Document instance;
    if (instance.Parse(text.c_str(), text.size()).HasParseError()) return "no JSON";
    rapidjson::SchemaValidator validator(schema_);
    if (instance.Accept(validator)) return "";
    rapidjson::StringBuffer where;
    validator.GetInvalidDocumentPointer().StringifyUriFragment(where);
    return std::string(validator.GetInvalidSchemaKeyword()) + " at " + where.GetString();
  }

 private:
  static rapidjson::Document load(const std::string& name) {
    rapidjson::Document document;
    document.Parse(
        text_of(fs::path(COTTER_TEST_DATA).parent_path() / "schemas" / (name + ".schema.json")).c_str());
    EXPECT_FALSE(document.HasParseError()) << name;
    return document;
  }
  rapidjson::Document document_;
  rapidjson::SchemaDocument schema_;
};

/// Each is an instance, there is at least one, and not everything is one.
void expect_instances(const std::string& name, const std::vector<std::string>& texts) {
  const Schema schema(name);
  EXPECT_FALSE(texts.empty()) << name;
  for (const std::string& text : texts)
    EXPECT_EQ(schema.complaint(text), "") << name << ": " << text.substr(0, 400);
  EXPECT_NE(schema.complaint("{}"), "") << name;
}

std::vector<std::string> files(const fs::path& folder, const std::string& ending) {
  std::vector<std::string> texts;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().ends_with(ending)) texts.push_back(text_of(entry.path()));
  }
  return texts;
}

/// Every ECU's signed report, as it travelled.
std::vector<std::string> reports_in(const std::vector<std::string>& manifests) {
  std::vector<std::string> texts;
  for (const std::string& text : manifests) {
    const json::Value manifest = must(json::read(as_bytes(text)));
    const auto signed_part = must(must(json::ObjectView::of(manifest, "manifest")).object("signed"));
    const json::ObjectView listed = must(signed_part.object("ecu_version_manifests"));
    for (const json::Member& report : listed.members()) {
      texts.push_back(json::to_text(report.value));
    }
  }
  return texts;
}

class Schemas : public testing::Test {
 protected:
  VehicleWorld& vehicle = VehicleWorld::get();
  fs::path workspace = vehicle.world().workspace();

  std::vector<std::string> column(const std::string& sql) {
    auto db = must(storage::open_database(workspace / "cotter.db"));
    auto rows = must(db.query(sql));
    std::vector<std::string> texts;
    while (must(rows.step())) texts.emplace_back(as_text(rows.blob(0)));
    return texts;
  }
};

TEST_F(Schemas, DescribeWhatTheImageRepositoryServes) {
  expect_instances("root", files(workspace / "repo", ".root.json"));
  expect_instances("timestamp", files(workspace / "repo", "timestamp.json"));
  expect_instances("snapshot", files(workspace / "repo", ".snapshot.json"));
  expect_instances("targets", files(workspace / "repo", ".targets.json"));
}

TEST_F(Schemas, DescribeWhatTheDirectorServesAndIsSent) {
  must(vehicle.world().assign(vehicle.adas(), vehicle.publish_next(vehicle.adas(), 60'000)));
  EXPECT_EQ(vehicle.cycle().exit_code, 0);
  expect_instances("root", files(workspace / "director", ".root.json"));
  expect_instances("timestamp", column("SELECT timestamp FROM director_set"));
  expect_instances("snapshot", column("SELECT snapshot FROM director_set"));
  expect_instances("targets", column("SELECT targets FROM director_set"));
  const auto manifests = column("SELECT body FROM manifest WHERE body IS NOT NULL");
  expect_instances("manifest", manifests);
  expect_instances("report", reports_in(manifests));
}

TEST_F(Schemas, DescribeWhatLiesInAWorkspace) {
  expect_instances("key-file", files(workspace / "keys", ".key"));
  expect_instances("key-file", files(vehicle.world().holders() / "holder-1", ".key"));
  expect_instances("vehicle-record", {text_of(vehicle.world().ecu_dir(vehicle.gateway()) / "vehicle.json")});
}

TEST_F(Schemas, DescribeWhatTheTimeSourceIsAskedAndAnswers) {
  model::TimeRequest request;
  request.nonces = {model::Nonce(std::string(32, 'a')), model::Nonce(std::string(32, 'b'))};
  request.vin = vehicle.vin();
  std::string words = vehicle.world().environment().at("COTTER_PASSPHRASE");
  const auto passphrase =
      crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(words.data()), words.size()});
  keys::Keyring ring = must(keys::Keyring::open(workspace / "keys", keystore::unlock_by(passphrase)));
  crypto::Signer& signer = *must(ring.signer(Repository::Director, model::time_source_role()));
  const host::SystemClock clock;
  app::TimeService service(signer, clock, must(storage::open_database(workspace / "cotter.db")));
  const Bytes answer = must(service.attest(request.wire()));
  expect_instances("time-request", {std::string(as_text(request.wire()))});
  expect_instances("time-attestation", {std::string(as_text(answer))});
}

TEST_F(Schemas, DescribeARequestToTheHolders) {
  World& world = vehicle.world();
  const EcuPlan& ecu = vehicle.adas();
  must(run_well(world.command(
      "cotter", {"-C", workspace.string(), "publish", ecu.after.string(), "--name", ecu.image_name(ecu.after),
                 "--hardware-id", ecu.hardware_id, "--version", "9.0"})));
  expect_instances("signing-request", files(workspace / "pending", ".json"));
}

}  // namespace
}  // namespace cotter::world
