#include "tests/replay/order.h"

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"

namespace cotter::replay {
namespace {

constexpr const char* kPrimary = "GATEWAY";

json::Object describe(const sim::EcuOrder& ecu, bool single_slot) {
  const std::string serial = ecu.identity.serial.value();
  const bool primary = serial == kPrimary;
  const json::Object image{{"file", serial + ".bin"},
                           {"name", ecu.image_name.value()},
                           {"length", std::uint64_t{ecu.image.size()}},
                           {"sha256", to_hex(crypto::sha256(as_bytes(ecu.image)))},
                           {"release_counter", ecu.release_counter.value()}};
  return {{"serial", serial},
          {"hardware_id", ecu.identity.hardware_id.value()},
          {"primary", primary},
          {"verification", ecu.identity.verification == client::Verification::Full ? "full" : "partial"},
          {"slots", primary || !single_slot ? 2 : 1},
          {"image", image}};
}

}  // namespace

Result<void> write_vehicle(const std::filesystem::path& folder, const scenario::Stage& stage,
                           const Front& front, bool single_slot) {
  json::Array ecus;
  for (const sim::EcuOrder& ecu : stage.ecus) {
    TRY(host::write_atomically(folder / (ecu.identity.serial.value() + ".bin"), as_bytes(ecu.image)));
    ecus.emplace_back(describe(ecu, single_slot));
  }
  const json::Object all{{"contract", 1},
                         {"vin", stage.vehicle.vin.value()},
                         {"ecus", std::move(ecus)},
                         {"director_root", "director-root.json"},
                         {"image_root", "image-root.json"},
                         {"director_url", front.director_url()},
                         {"image_url", front.image_url()},
                         {"image_target_url", front.image_target_url()},
                         {"time_url", front.time_url()}};
  TRY(host::write_atomically(folder / "director-root.json", stage.vehicle.director.files.at("1.root.json")));
  TRY(host::write_atomically(folder / "image-root.json", stage.vehicle.image.files.at("1.root.json")));
  return host::write_atomically(folder / "vehicle.json", as_bytes(json::to_pretty_text(all) + "\n"));
}

}  // namespace cotter::replay
