// Asks every ECU for its signed report, and makes the vehicle version manifest of what came (Uptane 5.4.2.1).
// Never drops a report silently: what does not verify is forwarded as such (PRI-10). One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/dispatch/dispatcher.h"
#include "client/store/sqlite/primary_store.h"
#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "common/model/manifest.h"
#include "common/trust/uptane_match.h"

namespace cotter::client {

struct VehicleReports {
  std::map<EcuSerial, model::VerifiedReport> verified;
  std::map<EcuSerial, json::Value> rejected;  ///< signed by another key, or about another ECU
  std::map<EcuSerial, std::string> missing;   ///< why
};

/// One report from each ECU, checked with the key that the factory recorded for it.
VehicleReports collect_reports(const std::vector<KnownEcu>& ecus, Links& links);

/// What the vehicle consists of now: floors from the store, installed images from verified reports.
trust::VehicleRecord record_of(const VehicleId& vin, const std::vector<KnownEcu>& ecus,
                               const VehicleReports& reports);

/// The signed manifest. Faults of the signer.
Result<Bytes> make_manifest(const VehicleId& vin, const EcuSerial& primary, std::uint64_t counter,
                            const VehicleReports& reports, crypto::Signer& signer);

}  // namespace cotter::client
