#include "server/app/register_vehicle.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/crypto/public_key.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "server/app/record.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

using storage::PendingEcu;

Result<json::Value> read_document(ByteView bytes, std::size_t max_bytes) {
  if (bytes.size() > max_bytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(max_bytes) + " bytes",
               std::to_string(bytes.size()) + " bytes"));
  }
  return json::read(bytes);
}

Result<std::string> identifier(const json::ObjectView& view, std::string_view key) {
  std::string text = TRY(view.string(key));
  if (!model::is_identifier(text)) {
    TRY(refuse(RuleId::MemberWrongKind, std::string(key) + " as an identifier", "another string"));
  }
  return text;
}

/// What a vehicle says of one of its ECUs: a PendingEcu until the inventory says the same.
struct Claim {
  PendingEcu ecu;
  std::string key_material;
};

Result<Claim> decode_claim(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "ecus[]"));
  EcuSerial serial(TRY(identifier(view, "ecu_serial")));
  HardwareId hardware(TRY(identifier(view, "hardware_identifier")));
  const json::Value* key = TRY(view.value("clientKey"));
  const auto decoded = TRY(crypto::PublicKey::decode(*key, crypto::Profile::Vehicle));
  return Claim{{std::move(serial), std::move(hardware), *key}, decoded.material()};
}

bool is_recorded(const inventory::Vehicle& vehicle, const Claim& claim) {
  const inventory::Ecu* ecu = vehicle.find(claim.ecu.serial);
  return ecu != nullptr && ecu->record.hardware_id == claim.ecu.hardware_id &&
         ecu->record.key.material() == claim.key_material;
}

/// Their longest serials and key ids take half of what an entry holds.
constexpr std::size_t kEcusAnEntry = 128;

/// Which ECUs with which keys: what decides whose reports are believed (DIR-12).
Result<void> record_ecus(host::Db& db, const inventory::VehicleRecord& record, const Bytes& sha256,
                         UtcTime now) {
  for (std::size_t begin = 0; begin < record.ecus.size(); begin += kEcusAnEntry) {
    json::Array ecus;
    for (std::size_t i = begin; i < std::min(begin + kEcusAnEntry, record.ecus.size()); ++i) {
      const inventory::EcuRecord& ecu = record.ecus[i];
      ecus.emplace_back(
          json::Object{{"serial", ecu.serial.value()}, {"keyid", ecu.key.computed_id().value()}});
    }
    json::Object details{{"sha256", to_hex(sha256)}, {"ecus", std::move(ecus)}};
    TRY(app::record(db, {std::string(ledger::kRegistration), now, acting_account(), record.vin.value(),
                         std::move(details)}));
  }
  return {};
}

}  // namespace

Result<inventory::VehicleRecord> register_vehicle(host::Db& db, ByteView document, UtcTime now) {
  const json::Value value = TRY(read_document(document, kMaxVehicleRecordBytes));
  auto record = TRY(inventory::VehicleRecord::decode(value));
  auto transaction = TRY(host::Transaction::begin(db));
  TRY(register_record(db, record, crypto::sha256(document), now));
  TRY(transaction.commit());
  return record;
}

Result<void> register_record(host::Db& db, const inventory::VehicleRecord& record, const Bytes& sha256,
                             UtcTime now) {
  TRY(storage::InventoryStore(db).add(record, now));
  return record_ecus(db, record, sha256, now);
}

Result<RegistrationReceipt> confirm_ecus(host::Db& db, const VehicleId& caller, ByteView body, UtcTime now) {
  storage::InventoryStore store(db);
  const inventory::Vehicle vehicle = TRY(store.load(caller));
  const json::Value document = TRY(read_document(body, kMaxRegistrationBytes));
  const auto view = TRY(json::ObjectView::of(document, "registration"));
  const std::string primary = TRY(identifier(view, "primary_ecu_serial"));
  if (primary != vehicle.primary().serial().value()) {
    TRY(refuse(RuleId::ManifestPrimaryWrong, vehicle.primary().serial().value(), primary));
  }
  RegistrationReceipt receipt;
  std::vector<PendingEcu> pending;
  const json::Array* ecus = TRY(view.array("ecus"));
  for (const json::Value& each : *ecus) {
    Claim claim = TRY(decode_claim(each));
    const bool recorded = is_recorded(vehicle, claim);
    (recorded ? receipt.confirmed : receipt.pending).push_back(claim.ecu.serial);
    if (!recorded) pending.push_back(std::move(claim.ecu));
  }
  if (!pending.empty()) TRY(store.note_pending(vehicle, pending, now));
  return receipt;
}

}  // namespace cotter::app
