#include "server/app/ended_assignments.h"

#include <algorithm>

#include "server/app/record.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {

Result<std::vector<EndedAssignment>> assigned_ecus(host::Db& db, const ListedImages& images) {
  std::vector<TargetName> names;
  for (const auto& [name, contents] : images) names.push_back(name);
  std::vector<EndedAssignment> found;
  if (names.empty()) return found;
  for (const storage::AssignedEcu& each : TRY(storage::InventoryStore(db).assigned(names))) {
    const bool is_one = std::ranges::any_of(images.at(each.target), [&](const crypto::Hashes& hashes) {
      return each.hashes.agrees_with(hashes);
    });
    if (is_one) found.push_back({each.vin, each.ecu, each.target});
  }
  return found;
}

Result<void> end_assignments(host::Db& db, const std::vector<EndedAssignment>& assignments,
                             const std::string& reason, UtcTime now) {
  storage::InventoryStore store(db);
  for (const EndedAssignment& each : assignments) {
    TRY(store.end_assignment(each.vin, each.ecu, now));
    TRY(record(db,
               {std::string(ledger::kAssignment), now, acting_account(), each.vin.value(),
                json::Object{{"ecu", each.ecu.value()}, {"ended", each.image.value()}, {"reason", reason}}}));
  }
  return {};
}

}  // namespace cotter::app
