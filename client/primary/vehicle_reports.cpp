#include "client/primary/vehicle_reports.h"

#include "common/json/strict_reader.h"

namespace cotter::client {
namespace {

void take_report(const KnownEcu& ecu, const EcuStatus& status, VehicleReports& reports) {
  const auto document = json::read(status.report);
  if (!document) {
    reports.missing[ecu.serial] = "no readable report: " + summary(document.error());
    return;
  }
  auto verified = model::verify_report(*document, ecu.key);
  if (verified && (*verified)->ecu == ecu.serial) {
    reports.verified.emplace(ecu.serial, std::move(*verified));
  } else {
    reports.rejected.emplace(ecu.serial, *document);
    reports.missing[ecu.serial] = "its report does not verify with the key recorded for it";
  }
}

}  // namespace

VehicleReports collect_reports(const std::vector<KnownEcu>& ecus, Links& links) {
  VehicleReports reports;
  for (const KnownEcu& ecu : ecus) {
    const auto link = links.find(ecu.serial);
    if (link == links.end()) {
      reports.missing[ecu.serial] = "no link to it is configured";
      continue;
    }
    const auto status = link->second->report();
    if (status) {
      take_report(ecu, *status, reports);
    } else {
      reports.missing[ecu.serial] = summary(status.error());
    }
  }
  return reports;
}

trust::VehicleRecord record_of(const VehicleId& vin, const std::vector<KnownEcu>& ecus,
                               const VehicleReports& reports) {
  trust::VehicleRecord record{vin, {}};
  for (const KnownEcu& ecu : ecus) {
    trust::ProvisionedEcu provisioned{ecu.serial, ecu.hardware_id, ecu.floor, std::nullopt};
    if (const auto report = reports.verified.find(ecu.serial); report != reports.verified.end()) {
      provisioned.installed = report->second->installed;
    }
    record.ecus.push_back(std::move(provisioned));
  }
  return record;
}

Result<Bytes> make_manifest(const VehicleId& vin, const EcuSerial& primary, std::uint64_t counter,
                            const VehicleReports& reports, crypto::Signer& signer) {
  model::VehicleManifest manifest;
  manifest.vin = vin;
  manifest.primary = primary;
  manifest.counter = counter;
  for (const auto& [ecu, report] : reports.verified) manifest.reports[ecu] = report.document();
  manifest.rejected = reports.rejected;
  manifest.missing = reports.missing;
  return TRY(model::sign_document(manifest.encode(), signer)).wire();
}

}  // namespace cotter::client
