#include "server/app/check_director.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "server/app/director_roots.h"
#include "server/director/director_metadata.h"
#include "server/storage/sqlite/director_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {

Result<DirectorHealth> check_director(host::Db& db, const std::filesystem::path& director_dir, UtcTime now) {
  const auto roots = TRY(DirectorRoots::read(director_dir));
  storage::InventoryStore inventory(db);
  storage::DirectorStore sets(db);
  DirectorHealth health;
  health.root_version = roots.newest()->version;
  health.root_expires = roots.newest()->expires;
  if (health.root_expires <= now) health.problem = "root expired at " + format_utc(health.root_expires);
  const std::vector<storage::VehicleSummary> vehicles = TRY(inventory.list());
  std::map<std::pair<std::string, std::string>, SetRefusal> refusals;
  for (const storage::VehicleSummary& each : vehicles) {
    ++health.vehicles;
    const auto set = TRY(sets.current(each.vin));
    if (!set) {
      ++health.without_set;
      continue;
    }
    const inventory::Vehicle vehicle = TRY(inventory.load(each.vin));
    const auto judged = director::rehearse(vehicle, roots.files(), std::nullopt, *set, now);
    if (judged) {
      ++health.accepted;
      continue;
    }
    const Rejection* why = rejection_in(judged.error());
    if (why == nullptr) return fail(judged.error());
    if (why->rule == RuleId::DirectorEcuUnknown && set->desired_revision != vehicle.desired_revision) {
      ++health.without_set;  // of an ECU that has left: its next question brings another
      continue;
    }
    const std::string rule(rule_of(why->rule).name);
    SetRefusal& refusal = refusals[{why->role, rule}];
    if (refusal.vehicles++ == 0) {
      refusal = {rule, why->role, 1, each.vin, summary(judged.error())};
    }
  }
  for (auto& [key, refusal] : refusals) health.refusals.push_back(std::move(refusal));
  std::stable_sort(health.refusals.begin(), health.refusals.end(),
                   [](const SetRefusal& a, const SetRefusal& b) { return a.vehicles > b.vehicles; });
  return health;
}

}  // namespace cotter::app
