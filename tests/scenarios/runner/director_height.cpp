// The director, and a vehicle that sends it manifests: honest ones, but for what a step changes.
#include <algorithm>

#include "server/director/manifest_check.h"
#include "tests/scenarios/runner/height.h"
#include "tests/unit/server/fleet.h"

namespace cotter::scenario {
namespace {

class DirectorHeight final : public Height {
 public:
  explicit DirectorHeight(Stage& stage) : vehicle_(test::fresh_vehicle()) { static_cast<void>(stage); }

  std::optional<Came> play(const std::string& verb, const json::Value& what) override {
    if (verb == "manifest") return manifest(what);
    if (verb == "resend") return judge(last_);
    return std::nullopt;
  }
  Result<void> damage(const FileId&) override { return fault(Fault::Kind::Usage, "no store of its own"); }
  std::optional<std::uint64_t> trusted(const FileId&) override { return std::nullopt; }
  std::map<std::string, model::InstalledImage> installed() override {
    std::map<std::string, model::InstalledImage> all;
    for (const inventory::Ecu& ecu : vehicle_.ecus) {
      all.emplace(ecu.serial().value(), ecu.reported ? ecu.reported->installed : ecu.record.image);
    }
    return all;
  }
  std::uint64_t floor(const std::string& ecu) override {
    return vehicle_.find(EcuSerial(ecu))->floor.value();
  }
  std::string reported() override { return signals_; }

 private:
  static void change_report(test::ReportPlan& plan, const json::Value& change) {
    if (find(change, "vin") != nullptr) plan.says.vin = VehicleId(text(change, "vin"));
    if (find(change, "serial") != nullptr) plan.says.ecu = EcuSerial(text(change, "serial"));
    if (find(change, "counter") != nullptr) plan.says.counter = number(change, "counter");
    if (find(change, "time") != nullptr) plan.says.time = *parse_utc(text(change, "time"));
    if (find(change, "attacks") != nullptr) plan.says.attacks_detected = text(change, "attacks");
    plan.says.attacks_detected.append(number_or(change, "pad", 0), 'x');
    if (find(change, "runs") != nullptr) plan.says.installed = test::image("lie.bin", text(change, "runs"));
    if (find(change, "verified") != nullptr)
      plan.says.director_targets_version = Version(number(change, "verified"));
    if (find(change, "key") != nullptr) plan.key = static_cast<std::uint8_t>(number(change, "key"));
  }

  Came manifest(const json::Value& what) {
    voice_.next();
    test::VehicleVoice says = voice_;
    if (find(what, "vin") != nullptr) says.manifest.vin = VehicleId(text(what, "vin"));
    if (find(what, "primary") != nullptr) says.manifest.primary = EcuSerial(text(what, "primary"));
    if (find(what, "key") != nullptr) says.primary_key = static_cast<std::uint8_t>(number(what, "key"));
    if (find(what, "counter") != nullptr) says.manifest.counter = number(what, "counter");
    if (find(what, "without") != nullptr) says.reports.erase(text(what, "without"));
    if (find(what, "stranger") != nullptr) {
      test::ReportPlan plan = says.reports.begin()->second;
      plan.says.ecu = EcuSerial(text(what, "stranger"));
      says.reports.emplace(text(what, "stranger"), std::move(plan));
    }
    if (const json::Value* change = find(what, "report")) {
      change_report(says.reports.at(text(*change, "of")), *change);
    }
    if (const json::Value* changes = find(what, "reports")) {
      for (const json::Value& change : *changes->as_array())
        change_report(says.reports.at(text(change, "of")), change);
    }
    if (find(what, "rejected") != nullptr) {  // the primary could not verify it, and passes it on (PRI-10)
      const std::string ecu = text(what, "rejected");
      says.manifest.rejected.emplace(EcuSerial(ecu), says.report(ecu));
      says.reports.erase(ecu);
    }
    Bytes body = says.wire();
    if (find(what, "replace") != nullptr) {
      std::string altered(as_text(body));
      const auto place = altered.find(text(what, "replace"));
      COTTER_ASSERT(place != std::string::npos);
      altered.replace(place, text(what, "replace").size(), text(what, "by"));
      body = to_bytes(altered);
    }
    body.resize(body.size() + number_or(what, "pad", 0), ' ');
    return judge(body);
  }

  /// Takes an accepted manifest in, as the store writes it down.
  Came judge(const Bytes& body) {
    const auto news = TRY(director::check_manifest(vehicle_, body, test::kNoon));
    last_ = body;
    vehicle_.manifest_counter = news.counter;
    for (const inventory::EcuBehind& each : news.behind) signals_ += each.ecu.value() + ":mixed-bundles\n";
    for (const inventory::EcuAbsence& each : news.absent) {
      if (each.forged) signals_ += each.ecu.value() + ":forged-report\n";
    }
    for (const inventory::EcuNews& each : news.fresh) {
      signals_ += each.report.ecu.value() + ":" + each.report.attacks_detected + "\n";
      if (each.quarantined) signals_ += each.report.ecu.value() + ":unknown-image\n";
      const auto ecu = std::ranges::find(vehicle_.ecus, each.report.ecu, &inventory::Ecu::serial);
      if (ecu == vehicle_.ecus.end()) continue;
      ecu->reported = inventory::Reported{each.report.counter,   each.digest,  each.report.time, test::kNoon,
                                          each.report.installed, std::nullopt, each.quarantined};
    }
    return std::string("ok");
  }

  inventory::Vehicle vehicle_;
  test::VehicleVoice voice_;
  Bytes last_;
  std::string signals_;  ///< what the director notes: "ECU:what"
};

}  // namespace

std::unique_ptr<Height> director_height(Stage& stage) { return std::make_unique<DirectorHeight>(stage); }

}  // namespace cotter::scenario
