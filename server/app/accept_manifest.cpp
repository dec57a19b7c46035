#include "server/app/accept_manifest.h"

#include "server/director/manifest_check.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

/// Each try that fails means that another writer got on; more than a few in a row is no longer chance.
constexpr int kTries = 5;

ManifestReceipt receipt_of(const inventory::ManifestNews& news) {
  ManifestReceipt receipt;
  receipt.stale = news.stale;
  for (const inventory::EcuAbsence& each : news.absent) receipt.missing.push_back(each.ecu);
  for (const inventory::EcuNews& each : news.fresh) {
    const EcuSerial& ecu = each.report.ecu;
    receipt.fresh.push_back(ecu);
    if (each.confirms) receipt.confirmed.push_back(ecu);
    if (each.quarantined) receipt.quarantined.push_back(ecu);
    if (!each.report.attacks_detected.empty()) receipt.attacked.push_back(ecu);
  }
  return receipt;
}

}  // namespace

Result<ManifestReceipt> accept_manifest(host::Db& db, const VehicleId& caller, ByteView body, UtcTime now) {
  storage::InventoryStore store(db);
  // The check runs outside the transaction, so that a hundred signatures do not hold up other writers.
  for (int tries = 0; tries < kTries; ++tries) {
    const inventory::Vehicle vehicle = TRY(store.load(caller));
    const auto news = director::check_manifest(vehicle, body, now);
    if (!news) {
      if (const Rejection* why = rejection_in(news.error())) TRY(store.note_refused(caller, *why, body, now));
      return fail(news.error());
    }
    if (TRY(store.accept(vehicle, *news, body, now))) return receipt_of(*news);
  }
  return fault(Fault::Kind::Busy, "vehicle " + caller.value() + " is being changed by others all the time",
               "send the manifest again");
}

}  // namespace cotter::app
