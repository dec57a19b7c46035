#include "server/app/tag_vehicles.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/model/file_names.h"
#include "server/app/record.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

using inventory::VehicleTag;
using storage::InventoryStore;

Result<void> check_change(const TagChange& change) {
  for (const auto* tags : {&change.add, &change.remove}) {
    for (const VehicleTag& tag : *tags) {
      if (!model::is_identifier(tag.value())) {
        return fault(Fault::Kind::Usage, "'" + tag.value() + "' is no tag",
                     "1 to 128 printable ASCII characters without blanks, quotes and slashes are taken");
      }
    }
  }
  for (const VehicleTag& tag : change.add) {
    if (std::ranges::find(change.remove, tag) != change.remove.end())
      return fault(Fault::Kind::Usage, "tag " + tag.value() + " is to be added and removed",
                   "say one of them");
  }
  return {};
}

Result<void> check_known(InventoryStore& store, const std::vector<VehicleId>& vins) {
  std::optional<Error> first;
  std::size_t unknown = 0;
  for (const VehicleId& vin : vins) {
    auto found = store.desired_revision(vin);
    if (found) continue;
    if (!is_fault(found.error(), Fault::Kind::NotFound)) return fail(std::move(found).error());
    ++unknown;
    if (!first) first = std::move(found).error();
  }
  if (unknown > 1) {
    return fault(Fault::Kind::NotFound,
                 summary(*first) + ", nor are " + std::to_string(unknown - 1) + " others",
                 "nothing was changed; see `cotter vehicle list`");
  }
  if (first) return fail(*std::move(first));
  return {};
}

/// The tags that are another way now.
Result<json::Object> write(InventoryStore& store, const VehicleId& vin, const TagChange& change) {
  json::Array added;
  json::Array removed;
  for (const VehicleTag& tag : change.add) {
    if (TRY(store.tag(vin, tag))) added.emplace_back(tag.value());
  }
  for (const VehicleTag& tag : change.remove) {
    if (TRY(store.untag(vin, tag))) removed.emplace_back(tag.value());
  }
  if (added.empty() && removed.empty()) return json::Object{};
  return json::Object{{"added", std::move(added)}, {"removed", std::move(removed)}};
}

}  // namespace

Result<std::uint64_t> tag_vehicles(host::Db& db, const std::vector<VehicleId>& vins, const TagChange& change,
                                   UtcTime now) {
  TRY(check_change(change));
  auto transaction = TRY(host::Transaction::begin(db));
  InventoryStore store(db);
  TRY(check_known(store, vins));
  std::uint64_t changed = 0;
  for (const VehicleId& vin : vins) {
    json::Object details = TRY(write(store, vin, change));
    if (details.empty()) continue;
    ++changed;
    TRY(record(db,
               {std::string(ledger::kVehicleTags), now, acting_account(), vin.value(), std::move(details)}));
  }
  TRY(transaction.commit());
  return changed;
}

}  // namespace cotter::app
