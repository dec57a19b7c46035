#include "server/app/assign.h"

#include <algorithm>

#include "server/app/record.h"
#include "server/app/record_refusal.h"
#include "server/director/resolver.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/inventory_store.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

using inventory::Desired;
using inventory::Ecu;
using inventory::Vehicle;

Error about_image(Error error, const TargetName& target) {
  const Rejection* rejection = rejection_in(error);
  if (rejection == nullptr || rejection->rule != RuleId::TargetNotFound) return error;
  return Fault{Fault::Kind::NotFound, "image " + target.value() + " is not in the image repository",
               "check the name, or publish it first: cotter publish FILE --name " + target.value() + " ..."};
}

Result<trust::Found> published(const std::filesystem::path& repo_dir, const TargetName& target, UtcTime now) {
  const auto image = TRY(repository::read_as_client(repo_dir, now));
  auto found = repository::find_target(image, repo_dir, target);
  if (!found) return fail(about_image(std::move(found).error(), target));
  return *std::move(found);
}

/// A supplier that was removed, or one whom it let sign: their images go once the holders have signed that.
Result<bool> goes(host::Db& db, const RoleName& role) {
  storage::SupplierStore store(db);
  auto supplier = TRY(store.find(role));
  if (!supplier) {
    auto split = TRY(store.find(RoleName(role.value().substr(0, role.value().rfind('-')))));
    if (split && split->has_bins() && split->bins().has(role)) supplier = std::move(split);
  }
  if (supplier && supplier->below) supplier = TRY(store.find(*supplier->below));
  return supplier && supplier->removed;
}

ledger::Entry entry_of(const VehicleId& vin, const EcuSerial& ecu, const Desired& desired,
                       storage::Source source) {
  json::Object details{{"ecu", ecu.value()},
                       {"image", desired.name.value()},
                       {"length", desired.entry.length},
                       {"hashes", desired.entry.hashes.encode()},
                       {"source", source == storage::Source::Factory ? "factory" : "operator"}};
  return {std::string(ledger::kAssignment), desired.since, acting_account(), vin.value(), std::move(details)};
}

/// false: the vehicle is another than `judged` by now, or whoever signs the image (`role`) goes, and nothing
/// was written.
Result<bool> write(host::Db& db, const Vehicle& judged, const EcuSerial& ecu, const Desired& desired,
                   const RoleName& role, storage::Source source) {
  auto transaction = TRY(host::Transaction::begin(db));
  if (TRY(goes(db, role))) return false;
  if (!TRY(storage::InventoryStore(db).assign(judged, ecu, desired, source))) return false;
  TRY(record(db, entry_of(judged.vin, ecu, desired, source)));
  TRY(transaction.commit());
  return true;
}

/// Nobody has chosen for it. An ECU that runs a stranger's image is a person's business (DIR-27).
bool is_undecided(const Ecu& ecu) { return !ecu.desired && !(ecu.reported && ecu.reported->quarantined); }

struct FactoryImage {
  Desired desired;
  RoleName role;  ///< that lists it
};

/// What the factory installed, where it was published under the same name and may be listed for this ECU. Not
/// where the ECU runs another by now, which it was to run once: nobody asked for the way back.
std::optional<FactoryImage> factory_image(const trust::TrustedSet& image,
                                          const std::filesystem::path& repo_dir, const Ecu& ecu,
                                          UtcTime now) {
  const model::InstalledImage& installed = ecu.record.image;
  const auto found = repository::find_target(image, repo_dir, installed.name);
  if (!found) return std::nullopt;
  Desired desired{installed.name, director::copied_entry(found->target), now};
  const bool runs_it = inventory::runs(installed, desired) &&
                       (!ecu.reported || inventory::runs(ecu.reported->installed, desired));
  if (!runs_it || !director::check_assignable(ecu, desired.entry)) return std::nullopt;
  return FactoryImage{std::move(desired), found->role};
}

}  // namespace

Result<Ecu*> find_ecu(Vehicle& vehicle, const EcuSerial& serial) {
  const auto found =
      std::ranges::find_if(vehicle.ecus, [&](const Ecu& ecu) { return ecu.serial() == serial; });
  if (found == vehicle.ecus.end()) {
    return fault(Fault::Kind::NotFound, "vehicle " + vehicle.vin.value() + " has no ECU " + serial.value(),
                 "see `cotter vehicle show " + vehicle.vin.value() + "`");
  }
  return &*found;
}

namespace {

Result<Assigned> try_to_assign(host::Db& db, const std::filesystem::path& repo_dir, const VehicleId& vin,
                               const EcuSerial& serial, const TargetName& target, UtcTime now) {
  Vehicle vehicle = TRY(storage::InventoryStore(db).load(vin));
  Ecu* ecu = TRY(find_ecu(vehicle, serial));
  const trust::Found found = TRY(published(repo_dir, target, now));
  if (TRY(goes(db, found.role))) {
    return fault(Fault::Kind::Conflict,
                 "image " + target.value() + " goes: its supplier, " + found.role.value() + ", was removed",
                 "assign one that others sign");
  }
  model::Target entry = director::copied_entry(found.target);
  TRY(director::check_assignable(*ecu, entry));
  Assigned done;
  if (ecu->desired) done.before = ecu->desired->name;
  done.quarantined = ecu->reported && ecu->reported->quarantined;
  done.desired = Desired{target, std::move(entry), now};
  ecu->desired = done.desired;
  TRY(director::resolve(vehicle));  // said now, to a person, rather than at the vehicle's next poll
  if (!TRY(write(db, vehicle, serial, done.desired, found.role, storage::Source::Operator))) {
    return fault(Fault::Kind::Busy, "vehicle " + vin.value() + " was changed by somebody else meanwhile",
                 "look at it (`cotter vehicle show " + vin.value() + "`) and assign the image again");
  }
  return done;
}

}  // namespace

Result<Assigned> assign(host::Db& db, const std::filesystem::path& repo_dir, const VehicleId& vin,
                        const EcuSerial& serial, const TargetName& target, UtcTime now) {
  auto done = try_to_assign(db, repo_dir, vin, serial, target, now);
  if (!done) {
    const json::Object wanted{{"ecu", serial.value()}, {"image", target.value()}};
    record_refusal(db, {vin.value(), "assignment", wanted}, done.error(), now);
  }
  return done;
}

Result<void> adopt_factory_images(host::Db& db, const std::filesystem::path& repo_dir, const Vehicle& vehicle,
                                  UtcTime now) {
  if (std::ranges::none_of(vehicle.ecus, is_undecided)) return {};
  const auto image = repository::read_as_client(repo_dir, now);
  if (!image) return {};
  Vehicle next = vehicle;
  for (Ecu& ecu : next.ecus) {
    if (!is_undecided(ecu)) continue;
    const auto found = factory_image(*image, repo_dir, ecu, now);
    if (!found || TRY(goes(db, found->role))) continue;
    ecu.desired = found->desired;
    // A name whose content another ECU is to run in another edition is left alone: nobody asked for it.
    if (!director::resolve(next)) {
      ecu.desired.reset();
      continue;
    }
    if (!TRY(write(db, next, ecu.serial(), *ecu.desired, found->role, storage::Source::Factory))) return {};
    ++next.desired_revision;
  }
  return {};
}

}  // namespace cotter::app
