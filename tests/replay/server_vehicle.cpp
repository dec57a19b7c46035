#include "tests/replay/server_vehicle.h"

#include <chrono>

#include "common/json/canonical.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {
namespace {

using scenario::find;
using scenario::number;
using scenario::number_or;
using scenario::text;
using scenario::text_or;

UtcTime now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

json::Value claim(const std::string& serial, const std::string& hardware, const crypto::PublicKey& key) {
  return json::Object{{"clientKey", key.encode()}, {"ecu_serial", serial}, {"hardware_identifier", hardware}};
}

}  // namespace

SpokenVehicle::SpokenVehicle(const Identity& identity, inventory::VehicleRecord record,
                             std::uint64_t first_key)
    : identity_(&identity),
      record_(std::move(record)),
      first_key_(first_key),
      counter_(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                              std::chrono::system_clock::now().time_since_epoch())
                                              .count())) {}

std::map<std::string, SpokenVehicle::Report> SpokenVehicle::next_reports() {
  std::map<std::string, Report> reports;
  std::uint64_t key = first_key_;
  for (const inventory::EcuRecord& ecu : record_.ecus) {
    Report report;
    report.key = key++;
    report.says.vin = record_.vin;
    report.says.ecu = ecu.serial;
    report.says.installed = ecu.image;
    report.says.time = now();
    report.says.previous_time = report.says.time;
    report.says.counter = counter_;
    reports.emplace(ecu.serial.value(), std::move(report));
  }
  return reports;
}

void SpokenVehicle::change_report(Report& report, const json::Value& change) {
  if (find(change, "vin") != nullptr) report.says.vin = VehicleId(text(change, "vin"));
  if (find(change, "serial") != nullptr) report.says.ecu = EcuSerial(text(change, "serial"));
  if (find(change, "counter") != nullptr) report.says.counter = number(change, "counter");
  if (find(change, "time") != nullptr) report.says.time = *parse_utc(text(change, "time"));
  if (find(change, "attacks") != nullptr) report.says.attacks_detected = text(change, "attacks");
  if (find(change, "key") != nullptr) report.key = number(change, "key");
}

Bytes SpokenVehicle::signed_manifest(const model::VehicleManifest& manifest,
                                     const std::map<std::string, Report>& reports, std::uint64_t key) const {
  model::VehicleManifest whole = manifest;
  for (const auto& [serial, report] : reports) {
    const auto signer = identity_->key(report.key);
    whole.reports.emplace(EcuSerial(serial),
                          model::sign_document(report.says.encode(), *signer).value().tree);
  }
  const auto signer = identity_->key(key);
  return model::sign_document(whole.encode(), *signer).value().wire();
}

Bytes SpokenVehicle::manifest(const json::Object& change) {
  ++counter_;
  const json::Value what(change);
  model::VehicleManifest manifest;
  manifest.vin = record_.vin;
  manifest.primary = record_.ecus.front().serial;
  manifest.counter = counter_;
  auto reports = next_reports();
  if (find(what, "vin") != nullptr) manifest.vin = VehicleId(text(what, "vin"));
  if (find(what, "primary") != nullptr) manifest.primary = EcuSerial(text(what, "primary"));
  if (find(what, "counter") != nullptr) manifest.counter = number(what, "counter");
  if (find(what, "without") != nullptr) reports.erase(text(what, "without"));
  if (find(what, "stranger") != nullptr) {
    Report stranger = reports.begin()->second;
    stranger.says.ecu = EcuSerial(text(what, "stranger"));
    reports.emplace(text(what, "stranger"), std::move(stranger));
  }
  if (const json::Value* report = find(what, "report"))
    change_report(reports.at(text(*report, "of")), *report);
  Bytes body = signed_manifest(manifest, reports, number_or(what, "key", first_key_));
  if (find(what, "replace") != nullptr) {
    std::string altered(as_text(body));
    const auto place = altered.find(text(what, "replace"));
    COTTER_ASSERT(place != std::string::npos);
    altered.replace(place, text(what, "replace").size(), text(what, "by"));
    body = to_bytes(altered);
  }
  body.resize(body.size() + number_or(what, "pad", 0), ' ');
  return body;
}

Bytes SpokenVehicle::ecu_list(const json::Object& change) const {
  const json::Value what(change);
  const json::Value* of = find(what, "of");
  json::Array ecus;
  std::uint64_t key = first_key_;
  for (const inventory::EcuRecord& ecu : record_.ecus) {
    const bool altered = of != nullptr && *of->as_string() == ecu.serial.value();
    const std::uint64_t number = altered ? number_or(what, "key", key) : key;
    const std::string hardware =
        altered ? text_or(what, "hardware", ecu.hardware_id.value()) : ecu.hardware_id.value();
    ecus.push_back(claim(ecu.serial.value(), hardware, identity_->key(number)->public_key()));
    ++key;
  }
  if (const json::Value* strangers = find(what, "strangers")) {
    const auto signer = identity_->key(number_or(what, "key", 9));
    for (const std::string& serial : scenario::texts(*strangers))
      ecus.push_back(claim(serial, "replay-DOOR", signer->public_key()));
  }
  for (std::uint64_t i = 0; i < number_or(what, "more", 0); ++i)
    ecus.push_back(claim("STRANGER-" + std::to_string(i), "replay-DOOR", identity_->key(9)->public_key()));
  const std::string primary = text_or(what, "primary", record_.ecus.front().serial.value());
  return to_bytes(json::to_text(json::Object{{"ecus", std::move(ecus)}, {"primary_ecu_serial", primary}}));
}

std::vector<std::string> SpokenVehicle::altered_in(const json::Object& change) {
  const json::Value what(change);
  std::vector<std::string> serials;
  if (find(what, "of") != nullptr) serials.push_back(text(what, "of"));
  if (const json::Value* strangers = find(what, "strangers")) {
    for (std::string& serial : scenario::texts(*strangers)) serials.push_back(std::move(serial));
  }
  for (std::uint64_t i = 0; i < number_or(what, "more", 0); ++i)
    serials.push_back("STRANGER-" + std::to_string(i));
  return serials;
}

}  // namespace cotter::replay
