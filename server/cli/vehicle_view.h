// What `cotter vehicle list` and `show` print: text for people, JSON for programs.
// Never judges: every word comes from the inventory. One thread.
#pragma once

#include <vector>

#include "common/json/value.h"
#include "server/director/stuck.h"
#include "server/inventory/vehicle.h"
#include "server/storage/sqlite/ecu_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::cli {

/// All that the inventory knows of one vehicle.
struct VehicleView {
  inventory::Vehicle vehicle;
  std::vector<storage::AttackSignal> signals;
  std::vector<storage::PendingEcu> pending;
  std::vector<inventory::VehicleTag> tags;
  std::vector<storage::FormerEcu> former;
};

/// What is past its deadline.
struct StuckVehicle {
  VehicleId vin;
  director::Stuck stuck;
};

/// {"stuck":[{"vin","ecu":SERIAL|null,"since","why","what_to_do"}…]}
json::Value stuck_as_json(const std::vector<StuckVehicle>& all);
void print_stuck(const std::vector<StuckVehicle>& all);

/// {"vehicles":[{"vin","state","ecus","assigned","confirmed","quarantined","attack_signals","manifest_refused","last_manifest_at",
/// "tags"}…]}
json::Value list_as_json(const std::vector<storage::VehicleSummary>& vehicles);
void print_list(const std::vector<storage::VehicleSummary>& vehicles);

/// {"vin","tags","manifest_counter","last_manifest_at","ecus":[ECU…],"attacks":[{"ecu","seen_at","kind","detail"}…],
/// "pending_ecus":[{"ecu","hardware_id","key"}…],"former_ecus":[{"ecu","hardware_id","keyid","left_at","reason"}…]},
/// where ECU is {"serial","hardware_id","primary",
/// "verification","release_counter","keyid","factory_image":IMAGE,"installed":IMAGE|null,"reported_at","ecu_time",
/// "report_counter","director_targets_version","assigned":IMAGE|null,"assigned_at","confirmed":bool,
/// "confirmed_at","quarantined":bool,"absence":text|null} and IMAGE is {"name","length","hashes"}.
/// What is not known yet is null. `installed` is what the ECU's own signed report says.
json::Value view_as_json(const VehicleView& view);
void print_view(const VehicleView& view);

}  // namespace cotter::cli
