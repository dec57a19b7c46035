#include "tests/scenarios/runner/manifest_step.h"

#include "common/crypto/digest.h"

namespace cotter::scenario {
namespace {

void change_report(EcuWord& word, const json::Value& change) {
  model::VersionReport& says = word.says;
  if (find(change, "vin") != nullptr) says.vin = VehicleId(text(change, "vin"));
  if (find(change, "serial") != nullptr) says.ecu = EcuSerial(text(change, "serial"));
  if (find(change, "counter") != nullptr) says.counter = number(change, "counter");
  if (find(change, "time") != nullptr) says.time = *parse_utc(text(change, "time"));
  if (find(change, "attacks") != nullptr) says.attacks_detected = text(change, "attacks");
  says.attacks_detected.append(number_or(change, "pad", 0), 'x');
  if (find(change, "runs") != nullptr) {
    const std::string content = text(change, "runs");
    says.installed = {TargetName("lie.bin"), content.size(), crypto::Hashes::of(as_bytes(content))};
  }
  if (find(change, "verified") != nullptr)
    says.director_targets_version = Version(number(change, "verified"));
  if (find(change, "key") != nullptr) word.key = number(change, "key");
}

void change_word(VehicleWord& word, const json::Value& step) {
  if (find(step, "vin") != nullptr) word.manifest.vin = VehicleId(text(step, "vin"));
  if (find(step, "primary") != nullptr) word.manifest.primary = EcuSerial(text(step, "primary"));
  if (find(step, "key") != nullptr) word.key = number(step, "key");
  if (find(step, "counter") != nullptr) word.manifest.counter = number(step, "counter");
  if (find(step, "without") != nullptr) word.reports.erase(text(step, "without"));
  if (find(step, "stranger") != nullptr) {
    EcuWord stranger = word.reports.begin()->second;
    stranger.says.ecu = EcuSerial(text(step, "stranger"));
    word.reports.emplace(text(step, "stranger"), std::move(stranger));
  }
  if (const json::Value* change = find(step, "report"))
    change_report(word.reports.at(text(*change, "of")), *change);
  if (const json::Value* changes = find(step, "reports")) {
    for (const json::Value& change : *changes->as_array())
      change_report(word.reports.at(text(change, "of")), change);
  }
}

/// Signed; the report of an ECU that the primary could not verify is passed on as such (PRI-10).
Bytes signed_wire(const VehicleWord& word, const std::string& rejected, const KeyByNumber& key) {
  model::VehicleManifest whole = word.manifest;
  for (const auto& [serial, report] : word.reports) {
    auto& among = serial == rejected ? whole.rejected : whole.reports;
    among.emplace(EcuSerial(serial),
                  model::sign_document(report.says.encode(), *key(report.key)).value().tree);
  }
  return model::sign_document(whole.encode(), *key(word.key)).value().wire();
}

}  // namespace

VehicleWord honest_word(const inventory::VehicleRecord& record, std::uint64_t first_key,
                        std::uint64_t counter, UtcTime now) {
  VehicleWord word;
  word.key = first_key;
  word.manifest.vin = record.vin;
  word.manifest.primary = record.ecus.front().serial;
  word.manifest.counter = counter;
  for (const inventory::EcuRecord& ecu : record.ecus) {
    EcuWord& report = word.reports[ecu.serial.value()];
    report.key = first_key++;
    report.says.vin = record.vin;
    report.says.ecu = ecu.serial;
    report.says.installed = ecu.image;
    report.says.time = now;
    report.says.previous_time = now;
    report.says.counter = counter;
  }
  return word;
}

Bytes spoken(VehicleWord word, const json::Value& step, const KeyByNumber& key) {
  change_word(word, step);
  Bytes body = signed_wire(word, text_or(step, "rejected", ""), key);
  if (find(step, "replace") != nullptr) {
    std::string altered(as_text(body));
    const auto place = altered.find(text(step, "replace"));
    COTTER_ASSERT(place != std::string::npos);
    altered.replace(place, text(step, "replace").size(), text(step, "by"));
    body = to_bytes(altered);
  }
  body.resize(body.size() + number_or(step, "pad", 0), ' ');
  return body;
}

}  // namespace cotter::scenario
