// A vehicle of three ECUs with keys, and the reports and manifests that it writes: what the tests of
// inventory, director and app share. Keys are made from small numbers; no randomness, no clock.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/crypto/secret.h"
#include "common/crypto/signer.h"
#include "common/json/canonical.h"
#include "common/model/manifest.h"
#include "server/inventory/vehicle.h"
#include "tests/unit/common/vehicle_names.h"

namespace cotter::test {

/// An ed25519 key made from a number, which counts what it signs.
class NumberedSigner final : public crypto::Signer {
 public:
  explicit NumberedSigner(std::uint8_t number)
      : NumberedSigner(crypto::Ed25519Pair::from_seed(seed(number))) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_; }
  Result<crypto::Signature> sign(ByteView message) override {
    ++signed_;
    return crypto::Signature{key_.computed_id(), pair_.sign(message)};
  }
  [[nodiscard]] int count() const noexcept { return signed_; }

 private:
  explicit NumberedSigner(crypto::Ed25519Pair pair)
      : pair_(std::move(pair)), key_(crypto::PublicKey::ed25519(pair_.public_key)) {}
  static crypto::Secret seed(std::uint8_t number) {
    Bytes bytes(32, number);
    return crypto::Secret::taking(bytes);
  }
  crypto::Ed25519Pair pair_;
  crypto::PublicKey key_;
  int signed_ = 0;
};

inline UtcTime at(std::string_view text) { return parse_utc(text).value(); }
inline const UtcTime kNoon = at("2026-07-01T12:00:00Z");

inline model::InstalledImage image(const std::string& name, std::string_view content) {
  return {TargetName(name), content.size(), crypto::Hashes::of(as_bytes(content))};
}

/// "GATEWAY" (primary, key 1), "BRAKE" (full, key 2), "DOOR" (partial, key 3), each with PREFIX before its
/// serial. Keys count from `first_key`.
inline inventory::VehicleRecord factory_record(const std::string& vin, const std::string& prefix = "",
                                               std::uint8_t first_key = 1) {
  const auto ecu = [&](const char* serial, const char* hardware, bool primary, inventory::Verification how,
                       int number) {
    const NumberedSigner signer(static_cast<std::uint8_t>(first_key + number));
    return inventory::EcuRecord{
        EcuSerial(prefix + serial),
        HardwareId(hardware),
        primary,
        how,
        signer.public_key(),
        image("factory/" + std::string(hardware) + "/1.bin", std::string(hardware) + " 1"),
        ReleaseCounter(1)};
  };
  return {VehicleId(vin),
          {ecu("GATEWAY", "gateway-mk1", true, inventory::Verification::Full, 0),
           ecu("BRAKE", "brake-mk4", false, inventory::Verification::Full, 1),
           ecu("DOOR", "door-mk2", false, inventory::Verification::Partial, 2)}};
}

/// The same vehicle as the inventory holds it: nothing reported, nothing assigned.
inline inventory::Vehicle fresh_vehicle(const std::string& vin = "VIN-1") {
  inventory::Vehicle vehicle;
  vehicle.vin = VehicleId(vin);
  for (inventory::EcuRecord& ecu : factory_record(vin).ecus) {
    const ReleaseCounter floor = ecu.release_counter;
    vehicle.ecus.push_back(inventory::Ecu{std::move(ecu), floor});
  }
  return vehicle;
}

/// An image repository's entry for `content`.
inline model::Target entry_for(std::string_view content, std::vector<HardwareId> hardware,
                               std::uint64_t counter) {
  model::Target entry;
  entry.length = content.size();
  entry.hashes = crypto::Hashes::of(as_bytes(content));
  entry.custom.set("mustMatch", model::MustMatch::of(std::move(hardware), ReleaseCounter(counter)).all);
  return entry;
}

/// What a test changes in a vehicle's word before it is signed.
struct ReportPlan {
  model::VersionReport says;
  std::uint8_t key = 0;  ///< that signs it
};

/// Writes what the vehicle of factory_record() says: all well, unless a test changes a part.
class VehicleVoice {
 public:
  explicit VehicleVoice(const std::string& vin = "VIN-1", const std::string& prefix = "",
                        std::uint8_t first_key = 1)
      : record_(factory_record(vin, prefix, first_key)), primary_key(first_key) {
    manifest.vin = record_.vin;
    manifest.primary = record_.ecus.front().serial;
    manifest.counter = 1;
    std::uint8_t key = first_key;
    for (const inventory::EcuRecord& ecu : record_.ecus) {
      ReportPlan plan;
      plan.key = key++;
      plan.says.vin = record_.vin;
      plan.says.ecu = ecu.serial;
      plan.says.installed = ecu.image;
      plan.says.time = kNoon;
      plan.says.previous_time = kNoon;
      plan.says.counter = 1;
      reports.emplace(ecu.serial.value(), std::move(plan));
    }
  }

  /// The manifest's next edition: every counter one up.
  void next() {
    ++manifest.counter;
    for (auto& [serial, plan] : reports) ++plan.says.counter;
  }
  [[nodiscard]] json::Value report(const std::string& serial) const {
    const ReportPlan& plan = reports.at(serial);
    NumberedSigner signer(plan.key);
    return model::sign_document(plan.says.encode(), signer).value().tree;
  }
  /// `replaced` stands in for, or beside, the reports of `reports`.
  [[nodiscard]] Bytes wire(const std::map<std::string, json::Value>& replaced = {}) const {
    model::VehicleManifest whole = manifest;
    for (const auto& [serial, plan] : reports) whole.reports.emplace(EcuSerial(serial), report(serial));
    for (const auto& [serial, document] : replaced)
      whole.reports.insert_or_assign(EcuSerial(serial), document);
    NumberedSigner signer(primary_key);
    return model::sign_document(whole.encode(), signer).value().wire();
  }

 private:
  inventory::VehicleRecord record_;

 public:
  model::VehicleManifest manifest;  ///< but for its reports
  std::map<std::string, ReportPlan> reports;
  std::uint8_t primary_key;
};

}  // namespace cotter::test
