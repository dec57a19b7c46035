#include "tests/replay/server_vehicle.h"

#include <chrono>

#include "common/json/canonical.h"
#include "tests/scenarios/runner/manifest_step.h"

namespace cotter::replay {
namespace {

using scenario::find;
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

Bytes SpokenVehicle::manifest(const json::Object& change) {
  return scenario::spoken(scenario::honest_word(record_, first_key_, ++counter_, now()), json::Value(change),
                          [this](std::uint64_t key) { return identity_->key(key); });
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
