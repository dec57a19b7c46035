#include "server/director/manifest_check.h"

#include <algorithm>

#include "common/base/limits.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"

namespace cotter::director {
namespace {

using inventory::Ecu;
using inventory::EcuAbsence;
using inventory::EcuBehind;
using inventory::EcuNews;
using inventory::ManifestNews;
using inventory::Vehicle;
using model::VehicleManifest;

std::string number(std::uint64_t value) { return std::to_string(value); }

Result<model::VerifiedManifest> read_manifest(const Vehicle& vehicle, ByteView body) {
  if (body.size() > kMaxManifestBytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + number(kMaxManifestBytes) + " bytes",
               number(body.size()) + " bytes"));
  }
  const json::Value document = TRY(json::read(body));
  return model::verify_manifest(document, vehicle.primary().record.key);
}

Result<void> check_vin(const VehicleId& vin, const Vehicle& vehicle) {
  if (vin != vehicle.vin) TRY(refuse(RuleId::ManifestOtherVehicle, vehicle.vin.value(), vin.value()));
  return {};
}

/// DIR-20, DIR-23, and the manifest's own counter.
Result<void> check_header(const VehicleManifest& manifest, const Vehicle& vehicle) {
  TRY(check_vin(manifest.vin, vehicle));
  const EcuSerial& primary = vehicle.primary().serial();
  if (manifest.primary != primary) {
    TRY(refuse(RuleId::ManifestPrimaryWrong, primary.value(), manifest.primary.value()));
  }
  if (manifest.counter <= vehicle.manifest_counter) {
    TRY(refuse(RuleId::ManifestReplayed, "a manifest counter above " + number(vehicle.manifest_counter),
               number(manifest.counter)));
  }
  return {};
}

template <class Listed>
Result<void> check_known(const Listed& listed, const Vehicle& vehicle) {
  for (const auto& [serial, unused] : listed) {
    if (vehicle.find(serial) == nullptr) {
      TRY(refuse(RuleId::ManifestEcuUnknown, "an ECU of vehicle " + vehicle.vin.value(), serial.value()));
    }
  }
  return {};
}

/// DIR-22: the inventory's ECUs and no others.
Result<void> check_ecus(const VehicleManifest& manifest, const Vehicle& vehicle) {
  TRY(check_known(manifest.reports, vehicle));
  TRY(check_known(manifest.missing, vehicle));
  TRY(check_known(manifest.rejected, vehicle));
  for (const Ecu& ecu : vehicle.ecus) {
    const EcuSerial& serial = ecu.serial();
    if (!manifest.reports.contains(serial) && !manifest.missing.contains(serial) &&
        !manifest.rejected.contains(serial)) {
      TRY(refuse(RuleId::ManifestEcuMissing, "a report of ECU " + serial.value() + ", or why there is none",
                 "neither"));
    }
  }
  return {};
}

/// DIR-24: its own key, its own serial, its own vehicle.
Result<model::VersionReport> read_report(const json::Value& document, const Ecu& ecu,
                                         const Vehicle& vehicle) {
  const model::VerifiedReport verified = TRY(model::verify_report(document, ecu.record.key));
  const model::VersionReport& report = *verified;
  if (report.ecu != ecu.serial()) {
    TRY(refuse(RuleId::ManifestSerialMismatch, "a report of ECU " + ecu.serial().value(),
               report.ecu.value()));
  }
  TRY(check_vin(report.vin, vehicle));
  return report;
}

/// DIR-25: not ahead of our clock, and not behind what this ECU said before.
Result<void> check_time(const model::VersionReport& report, const Ecu& ecu, UtcTime now) {
  if (report.time > now + kMaxClockSkew) {
    TRY(refuse(RuleId::ManifestTimeWrong,
               "a time of ECU " + ecu.serial().value() + " not after " + format_utc(now + kMaxClockSkew),
               format_utc(report.time)));
  }
  if (ecu.reported && report.time < ecu.reported->ecu_time) {
    TRY(refuse(RuleId::ManifestTimeWrong,
               "a time of ECU " + ecu.serial().value() + " not before " + format_utc(ecu.reported->ecu_time),
               format_utc(report.time)));
  }
  return {};
}

bool was_given(const Ecu& ecu, const model::InstalledImage& installed) {
  return installed.hashes.agrees_with(ecu.record.image.hashes) ||
         std::ranges::any_of(
             ecu.given, [&](const crypto::Hashes& hashes) { return installed.hashes.agrees_with(hashes); });
}

/// Where the ECU does not state its counter, the entry that it was given does.
ReleaseCounter raised_floor(const Ecu& ecu, const model::VersionReport& report, bool runs_desired) {
  ReleaseCounter floor = std::max(ecu.floor, report.release_counter.value_or(ecu.floor));
  if (runs_desired) {
    const auto facts = ecu.desired->entry.must_match(model::Profile::Vehicle);
    if (facts && *facts) floor = std::max(floor, (*facts)->release_counter);
  }
  return floor;
}

EcuNews news_of(const Ecu& ecu, model::VersionReport report, Bytes digest) {
  const bool runs_desired = ecu.desired && inventory::runs(report.installed, *ecu.desired);
  EcuNews news;
  news.digest = std::move(digest);
  news.floor = raised_floor(ecu, report, runs_desired);
  news.confirms = runs_desired && !ecu.desired->confirmed_at;
  news.quarantined = !was_given(ecu, report.installed);
  news.report = std::move(report);
  return news;
}

/// DIR-26. Only a secondary may repeat itself: its primary re-sends what it had of an ECU that sleeps. The
/// primary is awake when it writes a manifest.
bool is_repetition(const Ecu& ecu, const Bytes& digest) {
  return !ecu.record.primary && ecu.reported && ecu.reported->digest == digest;
}

Result<void> take_report(const json::Value& document, const Ecu& ecu, const Vehicle& vehicle, UtcTime now,
                         ManifestNews& into) {
  model::VersionReport report = TRY(read_report(document, ecu, vehicle));
  Bytes digest = crypto::sha256(json::canonical(document));
  if (is_repetition(ecu, digest)) {
    into.stale.push_back(ecu.serial());
    return {};
  }
  if (ecu.reported && report.counter <= ecu.reported->counter) {
    TRY(refuse(RuleId::ManifestReplayed,
               "a report counter of ECU " + ecu.serial().value() + " above " + number(ecu.reported->counter),
               number(report.counter)));
  }
  TRY(check_time(report, ecu, now));
  into.fresh.push_back(news_of(ecu, std::move(report), std::move(digest)));
  return {};
}

/// PRI-10: the primary could not verify this report. We look for ourselves: its list of keys may be the one
/// that is wrong. A report that fails here too is kept as a fact, for one bad ECU must not silence the
/// others.
void take_rejected(const json::Value& document, const Ecu& ecu, const Vehicle& vehicle, UtcTime now,
                   ManifestNews& into) {
  const Result<void> taken = take_report(document, ecu, vehicle, now, into);
  if (!taken) into.absent.push_back(EcuAbsence{ecu.serial(), summary(taken.error()), true});
}

/// ATK-12. An ECU that has verified nothing yet says nothing of it.
std::vector<EcuBehind> behind_the_others(const std::vector<EcuNews>& fresh) {
  std::optional<Version> newest;
  for (const EcuNews& each : fresh) newest = std::max(newest, each.report.director_targets_version);
  std::vector<EcuBehind> behind;
  for (const EcuNews& each : fresh) {
    const auto& verified = each.report.director_targets_version;
    if (verified && *verified < *newest) behind.push_back({each.report.ecu, *verified, *newest});
  }
  return behind;
}

}  // namespace

Result<ManifestNews> check_manifest(const Vehicle& vehicle, ByteView body, UtcTime now) {
  const model::VerifiedManifest verified = TRY(read_manifest(vehicle, body));
  const VehicleManifest& manifest = *verified;
  TRY(check_header(manifest, vehicle));
  TRY(check_ecus(manifest, vehicle));
  ManifestNews news;
  news.counter = manifest.counter;
  for (const Ecu& ecu : vehicle.ecus) {
    const EcuSerial& serial = ecu.serial();
    if (const auto report = manifest.reports.find(serial); report != manifest.reports.end()) {
      TRY(located(take_report(report->second, ecu, vehicle, now, news), Repository::Director,
                  "report of ECU " + serial.value()));
    } else if (const auto rejected = manifest.rejected.find(serial); rejected != manifest.rejected.end()) {
      take_rejected(rejected->second, ecu, vehicle, now, news);
    } else if (const auto missing = manifest.missing.find(serial); missing != manifest.missing.end()) {
      news.absent.push_back(EcuAbsence{serial, missing->second, false});
    }
  }
  news.behind = behind_the_others(news.fresh);
  return news;
}

}  // namespace cotter::director
