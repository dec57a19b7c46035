// ECU version reports and the vehicle version manifest (Uptane 5.4.2.1; FMT-80 to FMT-84): the vehicle's word
// to the director. Never decides what a report means for the fleet: that is server/director. Values only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/digest.h"
#include "common/crypto/public_key.h"
#include "common/crypto/signer.h"
#include "common/json/value.h"

namespace cotter::model {

struct InstalledImage {
  TargetName name;
  std::uint64_t length = 0;
  crypto::Hashes hashes;
  friend bool operator==(const InstalledImage&, const InstalledImage&) = default;
};

/// What one ECU says about itself (FMT-80).
struct VersionReport {
  VehicleId vin;
  EcuSerial ecu;
  InstalledImage installed;      ///< measured from storage, not what was meant to be there (INS-7)
  std::string attacks_detected;  ///< "" or "director/targets:rule-id,…", at most 1024 bytes (FMT-84)
  UtcTime time{};                ///< latest verifiable time
  UtcTime previous_time{};
  std::uint64_t counter = 0;                        ///< greater in each report of this ECU
  std::optional<Version> director_targets_version;  ///< ATK-12
  std::optional<ReleaseCounter> release_counter;
  json::Object custom;   ///< empty = absent
  json::Object unknown;  ///< members we do not know (FMT-9)

  /// Rejections: role-type-wrong, member-*, date-malformed, hash*, target-name-unsafe (FMT-52).
  static Result<VersionReport> decode(const json::Value& signed_part);
  [[nodiscard]] json::Value encode() const;  ///< the `signed` part, `_type` "ecu-report"
};

/// A signed document as it travels: the tree it was read from and the bytes it is forwarded as.
struct SignedDocument {
  json::Value tree;
  [[nodiscard]] Bytes wire() const;  ///< plain JSON
};

/// Signs canonical(signed) and writes the five-part attribute of FMT-81: key id, method, hash function,
/// digest, signature (FMT-83). Faults of the signer.
Result<SignedDocument> sign_document(json::Value signed_part, crypto::Signer& signer);

/// A report whose signature has been checked with that ECU's own key. Only verify_report() makes one.
class VerifiedReport {
 public:
  [[nodiscard]] const VersionReport& operator*() const noexcept { return report_; }
  [[nodiscard]] const VersionReport* operator->() const noexcept { return &report_; }
  [[nodiscard]] const json::Value& document() const noexcept { return document_; }

 private:
  friend Result<VerifiedReport> verify_report(const json::Value&, const crypto::PublicKey&);
  VerifiedReport(VersionReport report, json::Value document)
      : report_(std::move(report)), document_(std::move(document)) {}
  VersionReport report_;
  json::Value document_;
};
/// Checks digest, then signature with this key (the key decides the method), then decodes what was signed.
/// Rejections: manifest-hash-wrong, manifest-signature-wrong, and those of VersionReport::decode.
Result<VerifiedReport> verify_report(const json::Value& document, const crypto::PublicKey& ecu_key);

/// What the primary says about its vehicle (FMT-81).
struct VehicleManifest {
  VehicleId vin;
  EcuSerial primary;
  std::uint64_t counter = 0;
  std::map<EcuSerial, json::Value> reports;  ///< signed reports, unread
  std::map<EcuSerial, std::string> missing;  ///< ECUs that gave no report, and why (DIR-22)
  std::map<EcuSerial, json::Value>
      rejected;  ///< reports the primary could not verify; forwarded all the same (PRI-10)
  json::Object installation_report;  ///< optional, per ECU result; empty = absent
  json::Object unknown;              ///< members we do not know (FMT-9)

  /// Rejections: role-type-wrong, member-*.
  static Result<VehicleManifest> decode(const json::Value& signed_part);
  [[nodiscard]] json::Value encode() const;  ///< `_type` "vehicle-manifest"
};
/// A manifest whose outer signature has been checked with the primary's key; its reports have not been.
class VerifiedManifest {
 public:
  [[nodiscard]] const VehicleManifest& operator*() const noexcept { return manifest_; }
  [[nodiscard]] const VehicleManifest* operator->() const noexcept { return &manifest_; }

 private:
  friend Result<VerifiedManifest> verify_manifest(const json::Value&, const crypto::PublicKey&);
  explicit VerifiedManifest(VehicleManifest manifest) : manifest_(std::move(manifest)) {}
  VehicleManifest manifest_;
};
/// As verify_report(), with the primary's key.
Result<VerifiedManifest> verify_manifest(const json::Value& document, const crypto::PublicKey& primary_key);

}  // namespace cotter::model
