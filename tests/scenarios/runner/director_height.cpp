// The director, and a vehicle that sends it manifests: honest ones, but for what a step changes.
#include <algorithm>

#include "server/director/manifest_check.h"
#include "tests/scenarios/runner/height.h"
#include "tests/scenarios/runner/manifest_step.h"
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
  Came manifest(const json::Value& what) {
    const VehicleWord word = honest_word(test::factory_record("VIN-1"), 1, ++counter_, test::kNoon);
    return judge(spoken(word, what, [](std::uint64_t key) {
      return std::make_unique<test::NumberedSigner>(static_cast<std::uint8_t>(key));
    }));
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
  std::uint64_t counter_ = 1;
  Bytes last_;
  std::string signals_;  ///< what the director notes: "ECU:what"
};

}  // namespace

std::unique_ptr<Height> director_height(Stage& stage) { return std::make_unique<DirectorHeight>(stage); }

}  // namespace cotter::scenario
