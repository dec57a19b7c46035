#include "server/inventory/vehicle.h"

#include <algorithm>
#include <set>

#include "common/json/object_view.h"
#include "common/model/file_names.h"

namespace cotter::inventory {
namespace {

Result<void> check_identifier(const std::string& text, const std::string& what) {
  if (model::is_identifier(text)) return {};
  return refuse(RuleId::MemberWrongKind, what + " as an identifier",
                "1 to 128 printable characters without blank, quote or slash is what one may have");
}

Result<std::string> identifier(const json::ObjectView& view, std::string_view key) {
  std::string text = TRY(view.string(key));
  TRY(check_identifier(text, view.what() + "." + std::string(key)));
  return text;
}

Result<model::InstalledImage> decode_image(const json::ObjectView& view) {
  model::InstalledImage image;
  image.name = TargetName(TRY(view.string("name")));
  if (!model::is_safe_target_name(image.name.value())) {
    TRY(refuse(RuleId::TargetNameUnsafe, view.what() + ".name as an image may be named", image.name.value()));
  }
  image.length = TRY(view.integer("length"));
  const json::Value* hashes = TRY(view.value("hashes"));
  image.hashes = TRY(crypto::Hashes::decode(*hashes));
  return image;
}

json::Value encode_image(const model::InstalledImage& image) {
  return json::Object{{"name", json::Value(image.name.value())},
                      {"length", json::Value(image.length)},
                      {"hashes", image.hashes.encode()}};
}

/// A key that verifies nothing would lock the ECU out for good: said now, not at its first report.
Result<crypto::PublicKey> decode_key(const json::ObjectView& view) {
  const json::Value* value = TRY(view.value("key"));
  crypto::PublicKey key = TRY(crypto::PublicKey::decode(*value, crypto::Profile::Vehicle));
  if (key.scheme() == crypto::Scheme::Unsupported) {
    TRY(refuse(RuleId::MemberWrongKind, view.what() + ".key of a scheme that we verify", "another scheme"));
  }
  return key;
}

Result<Verification> decode_verification(const json::ObjectView& view) {
  const std::string text = TRY(view.string("verification"));
  const auto verification = verification_named(text);
  if (!verification) {
    TRY(refuse(RuleId::MemberWrongKind, view.what() + ".verification \"full\" or \"partial\"", text));
  }
  return verification.value_or(Verification::Full);
}

Result<void> check_together(const VehicleRecord& vehicle) {
  const auto denied = [&](std::string why, std::string hint) {
    return fault(Fault::Kind::Denied, "vehicle " + vehicle.vin.value() + ": " + std::move(why),
                 std::move(hint));
  };
  const auto primaries = std::ranges::count_if(vehicle.ecus, &EcuRecord::primary);
  if (primaries != 1) {
    return denied("its record names " + std::to_string(primaries) + " primaries",
                  "set \"primary\": true for exactly one ECU");
  }
  std::set<EcuSerial> serials;
  std::set<std::string> keys;
  for (const EcuRecord& ecu : vehicle.ecus) {
    if (!serials.insert(ecu.serial).second) {
      return denied("ECU " + ecu.serial.value() + " is in its record twice", "list each ECU once");
    }
    if (!keys.insert(ecu.key.material()).second) {
      return denied("ECU " + ecu.serial.value() + " has the key of another ECU",
                    "every ECU needs a key of its own: provision it anew");
    }
  }
  return {};
}

}  // namespace

std::string_view name_of(Verification verification) noexcept {
  return verification == Verification::Full ? "full" : "partial";
}

std::optional<Verification> verification_named(std::string_view name) noexcept {
  if (name == "full") return Verification::Full;
  if (name == "partial") return Verification::Partial;
  return std::nullopt;
}

Result<EcuRecord> EcuRecord::decode(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "ecu"));
  EcuSerial serial(TRY(identifier(view, "serial")));
  HardwareId hardware_id(TRY(identifier(view, "hardware_id")));
  const bool primary = TRY(view.boolean("primary"));
  const Verification verification = TRY(decode_verification(view));
  crypto::PublicKey key = TRY(decode_key(view));
  const json::ObjectView image = TRY(view.object("installed_image"));
  model::InstalledImage installed = TRY(decode_image(image));
  const ReleaseCounter counter(TRY(view.integer("release_counter")));
  return EcuRecord{std::move(serial), std::move(hardware_id), primary, verification,
                   std::move(key),    std::move(installed),   counter};
}

json::Value EcuRecord::encode() const {
  return json::Object{{"serial", json::Value(serial.value())},
                      {"hardware_id", json::Value(hardware_id.value())},
                      {"primary", json::Value(primary)},
                      {"verification", json::Value(name_of(verification))},
                      {"key", key.encode()},
                      {"installed_image", encode_image(image)},
                      {"release_counter", json::Value(release_counter.value())}};
}

Result<VehicleRecord> VehicleRecord::decode(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "vehicle"));
  VehicleId vin(TRY(view.string("vin")));
  std::vector<EcuRecord> all;
  const json::Array* ecus = TRY(view.array("ecus"));
  for (const json::Value& ecu : *ecus) all.push_back(TRY(EcuRecord::decode(ecu)));
  return of(std::move(vin), std::move(all));
}

Result<VehicleRecord> VehicleRecord::of(VehicleId vin, std::vector<EcuRecord> ecus) {
  TRY(check_identifier(vin.value(), "vehicle.vin"));
  VehicleRecord vehicle{std::move(vin), std::move(ecus)};
  TRY(check_together(vehicle));
  return vehicle;
}

json::Value VehicleRecord::encode() const {
  json::Array list;
  for (const EcuRecord& ecu : ecus) list.push_back(ecu.encode());
  return json::Object{{"vin", json::Value(vin.value())}, {"ecus", json::Value(std::move(list))}};
}

const Ecu* Vehicle::find(const EcuSerial& serial) const noexcept {
  const auto found = std::ranges::find_if(ecus, [&](const Ecu& ecu) { return ecu.serial() == serial; });
  return found == ecus.end() ? nullptr : &*found;
}

const Ecu& Vehicle::primary() const {
  const auto found = std::ranges::find_if(ecus, [](const Ecu& ecu) { return ecu.record.primary; });
  COTTER_ASSERT(found != ecus.end());
  return *found;
}

bool runs(const model::InstalledImage& installed, const Desired& desired) {
  return installed.name == desired.name && installed.length == desired.entry.length &&
         installed.hashes.agrees_with(desired.entry.hashes);
}

}  // namespace cotter::inventory
