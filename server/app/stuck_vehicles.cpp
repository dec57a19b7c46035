#include "server/app/stuck_vehicles.h"

#include <vector>

namespace cotter::app {
namespace {

using storage::VehicleState;

/// The newest complaint of each ECU since its assignment.
Result<director::Standing> standing_of(storage::InventoryStore& store, const VehicleId& vin) {
  director::Standing standing;
  standing.vehicle = TRY(store.load(vin));
  standing.refused = TRY(store.refusal(vin));
  for (const storage::AttackSignal& signal : TRY(store.attack_signals(vin))) {
    const inventory::Ecu* ecu = standing.vehicle.find(signal.ecu);
    if (signal.kind == storage::SignalKind::Detected && ecu != nullptr && ecu->desired &&
        signal.seen_at >= ecu->desired->since)
      standing.complaints.insert_or_assign(signal.ecu, signal.detail);
  }
  return standing;
}

}  // namespace

Result<void> stuck_vehicles(host::Db& db, const storage::VehicleFilter& filter,
                            const director::Deadlines& deadlines, UtcTime now, const EachStuck& each) {
  storage::InventoryStore store(db);
  storage::VehicleFilter all = filter;
  all.limit = UINT64_MAX;
  std::uint64_t found = 0;
  for (const storage::VehicleSummary& vehicle : TRY(store.list(all))) {
    if (found == filter.limit) break;
    const VehicleState state = vehicle.state();
    if (!vehicle.refused && state != VehicleState::Updating && state != VehicleState::Quarantined) continue;
    const auto late = director::stuck(TRY(standing_of(store, vehicle.vin)), now, deadlines);
    if (!late.empty()) ++found;
    for (const director::Stuck& stuck : late) each(vehicle.vin, stuck);
  }
  return {};
}

}  // namespace cotter::app
