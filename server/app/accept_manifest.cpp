#include "server/app/accept_manifest.h"

#include "common/crypto/digest.h"
#include "server/app/record.h"
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

/// Into the ledger goes the first of a row of manifests that break one rule: a vehicle that sends them
/// without end must not fill it.
Result<void> note_refused(host::Db& db, const VehicleId& vin, const Rejection& why, ByteView body,
                          UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  if (TRY(storage::InventoryStore(db).note_refused(vin, why, body, now))) {
    json::Object details{{"document", "manifest"},
                         {"sha256", to_hex(crypto::sha256(body))},
                         {"rule", rule_of(why.rule).name},
                         {"looks_like", name_of(why.looks_like())}};
    TRY(record(db,
               {std::string(ledger::kRefusal), now, acting_vehicle(vin), vin.value(), std::move(details)}));
  }
  return transaction.commit();
}

}  // namespace

Result<ManifestReceipt> accept_manifest(host::Db& db, const VehicleId& caller, ByteView body, UtcTime now) {
  storage::InventoryStore store(db);
  // The check runs outside the transaction, so that a hundred signatures do not hold up other writers.
  for (int tries = 0; tries < kTries; ++tries) {
    const inventory::Vehicle vehicle = TRY(store.load(caller));
    const auto news = director::check_manifest(vehicle, body, now);
    if (!news) {
      if (const Rejection* why = rejection_in(news.error())) TRY(note_refused(db, caller, *why, body, now));
      return fail(news.error());
    }
    if (TRY(store.accept(vehicle, *news, body, now))) return receipt_of(*news);
  }
  return fault(Fault::Kind::Busy, "vehicle " + caller.value() + " is being changed by others all the time",
               "send the manifest again");
}

}  // namespace cotter::app
