#include "server/app/change_ecus.h"

#include <utility>
#include <vector>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "server/app/assign.h"
#include "server/app/record.h"
#include "server/storage/sqlite/ecu_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

using inventory::Ecu;
using inventory::EcuRecord;
using inventory::Vehicle;

Result<void> check_said(const EcuChange& change) {
  if (!change.leaves && !change.enters)
    return fault(Fault::Kind::Usage, "no ECU leaves and none enters", "name one");
  if (change.reason.empty() || change.reason.size() > kMaxChangeReasonBytes) {
    return fault(Fault::Kind::Usage,
                 "a reason of 1 to " + std::to_string(kMaxChangeReasonBytes) + " bytes is needed",
                 "the ledger keeps it, for whoever asks later why the vehicle's ECUs changed");
  }
  return {};
}

/// Null where none leaves.
Result<const Ecu*> leaving(Vehicle& vehicle, const EcuChange& change) {
  if (!change.leaves) return nullptr;
  const Ecu* ecu = TRY(find_ecu(vehicle, *change.leaves));
  if (ecu->record.primary && !(change.enters && change.enters->primary)) {
    return fault(Fault::Kind::Denied,
                 "ECU " + ecu->serial().value() + " is the primary of vehicle " + vehicle.vin.value(),
                 "a vehicle needs one: replace it by another primary (`cotter vehicle ecu replace`)");
  }
  return ecu;
}

/// The vehicle as it will be: one primary, each serial and key once.
Result<void> check_together(const Vehicle& vehicle, const Ecu* leaves,
                            const std::optional<EcuRecord>& enters) {
  std::vector<EcuRecord> all;
  for (const Ecu& ecu : vehicle.ecus) {
    if (&ecu != leaves) all.push_back(ecu.record);
  }
  if (enters) all.push_back(*enters);
  TRY(inventory::VehicleRecord::of(vehicle.vin, std::move(all)));
  return {};
}

json::Value entered(const EcuRecord& ecu) {
  return json::Object{{"serial", ecu.serial.value()},
                      {"keyid", ecu.key.computed_id().value()},
                      {"hardware_id", ecu.hardware_id.value()},
                      {"primary", ecu.primary},
                      {"verification", inventory::name_of(ecu.verification)},
                      {"release_counter", ecu.release_counter.value()},
                      {"sha256", to_hex(crypto::sha256(json::canonical(ecu.encode())))}};
}

ledger::Entry entry_of(const VehicleId& vin, const EcuChange& change, UtcTime now) {
  json::Object details{{"left", change.leaves ? json::Value(change.leaves->value()) : json::Value()},
                       {"entered", change.enters ? entered(*change.enters) : json::Value()},
                       {"reason", change.reason}};
  return {std::string(ledger::kEcuChange), now, acting_account(), vin.value(), std::move(details)};
}

/// What the ECU that left was to run.
Result<std::optional<TargetName>> write(host::Db& db, const VehicleId& vin, const EcuChange& change,
                                        UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  Vehicle vehicle = TRY(storage::InventoryStore(db).load(vin));
  const Ecu* leaves = TRY(leaving(vehicle, change));
  TRY(check_together(vehicle, leaves, change.enters));
  storage::EcuStore ecus(db);
  if (leaves != nullptr) TRY(ecus.retire(vin, leaves->serial(), change.reason, now));
  if (change.enters) TRY(ecus.admit(vin, *change.enters));
  TRY(record(db, entry_of(vin, change, now)));
  TRY(transaction.commit());
  if (leaves == nullptr || !leaves->desired) return std::optional<TargetName>();
  return std::optional(leaves->desired->name);
}

}  // namespace

Result<EcuChanged> change_ecus(host::Db& db, const std::filesystem::path& repo_dir, const VehicleId& vin,
                               const EcuChange& change, UtcTime now) {
  TRY(check_said(change));
  EcuChanged changed;
  changed.ended = TRY(write(db, vin, change, now));
  if (!changed.ended || !change.enters) return changed;
  const auto assigned = assign(db, repo_dir, vin, change.enters->serial, *changed.ended, now);
  changed.is_carried = assigned.has_value();
  if (!assigned) changed.why_not = summary(assigned.error());
  return changed;
}

}  // namespace cotter::app
