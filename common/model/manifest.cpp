#include "common/model/manifest.h"

#include "common/json/canonical.h"
#include "common/model/header.h"

namespace cotter::model {
namespace {

constexpr std::string_view kType = "vehicle-manifest";
constexpr std::string_view kHashFunction = "sha256";

/// FMT-83, first half: the digest is recomputed before anything else is believed.
Result<void> check_digest(const json::ObjectView& signature, ByteView message) {
  const json::ObjectView hash = TRY(signature.object("hash"));
  const std::string function = TRY(hash.string("function"));
  if (function != kHashFunction) {
    TRY(refuse(RuleId::ManifestHashWrong, std::string(kHashFunction), shown(function)));
  }
  const Bytes digest = TRY(hash.hex("digest"));
  const Bytes computed = crypto::sha256(message);
  if (digest != computed) TRY(refuse(RuleId::ManifestHashWrong, to_hex(computed), to_hex(digest)));
  return {};
}

/// FMT-83, second half. The key decides the method; a document that names another is refused (ATK-37). The
/// key id is opaque.
Result<void> check_signature(const json::ObjectView& signature, ByteView message,
                             const crypto::PublicKey& key) {
  const std::string method = TRY(signature.string("method"));
  if (method != crypto::name_of(key.scheme())) {
    TRY(refuse(RuleId::ManifestSignatureWrong, "method " + std::string(crypto::name_of(key.scheme())),
               shown(method)));
  }
  const std::string keyid = TRY(signature.string("keyid"));
  const Bytes bytes = TRY(signature.hex("sig"));
  if (!key.verifies(message, bytes)) {
    TRY(refuse(RuleId::ManifestSignatureWrong, "a signature by key " + key.computed_id().value(),
               "one that it did not make, under key id " + shown(keyid)));
  }
  return {};
}

/// The signed part, once `key` is known to have signed it.
Result<const json::Value*> open_signed(const json::Value& document, const crypto::PublicKey& key) {
  const json::ObjectView view = TRY(json::ObjectView::of(document, "document"));
  const json::Value* signed_part = TRY(view.value("signed"));
  const json::Array* signatures = TRY(view.array("signatures"));
  if (signatures->size() != 1) {
    TRY(refuse(RuleId::ManifestSignatureWrong, "one signature", std::to_string(signatures->size())));
  }
  const Bytes message = json::canonical(*signed_part);
  for (const json::Value& each : *signatures) {
    const json::ObjectView signature = TRY(json::ObjectView::of(each, "signatures[]"));
    TRY(check_digest(signature, message));
    TRY(check_signature(signature, message, key));
  }
  return signed_part;
}

Result<std::map<EcuSerial, json::Value>> decode_reports(const json::ObjectView& view, std::string_view key) {
  std::map<EcuSerial, json::Value> reports;
  const json::ObjectView object = TRY(view.object(key));
  for (const json::Member& member : object.members()) {
    TRY(check_identifier(member.key, "an ECU serial in " + object.what()));
    reports.emplace_hint(reports.end(), EcuSerial(member.key), member.value);
  }
  return reports;
}

json::Value encode_reports(const std::map<EcuSerial, json::Value>& reports) {
  Members members;
  for (const auto& [ecu, report] : reports) members.push_back({ecu.value(), report});
  return json::Object(std::move(members));
}

Result<std::map<EcuSerial, std::string>> decode_missing(const json::ObjectView& view) {
  std::map<EcuSerial, std::string> missing;
  const json::ObjectView object = TRY(view.object("missing"));
  for (const json::Member& member : object.members()) {
    TRY(check_identifier(member.key, "an ECU serial in " + object.what()));
    std::string reason = TRY(object.string(member.key));
    missing.emplace_hint(missing.end(), EcuSerial(member.key), std::move(reason));
  }
  return missing;
}

json::Value encode_missing(const std::map<EcuSerial, std::string>& missing) {
  Members members;
  for (const auto& [ecu, reason] : missing) members.push_back({ecu.value(), json::Value(reason)});
  return json::Object(std::move(members));
}

}  // namespace

Result<VehicleManifest> VehicleManifest::decode(const json::Value& signed_part) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  VehicleManifest manifest;
  manifest.vin = VehicleId(TRY(decode_identifier(view, "vin")));
  manifest.primary = EcuSerial(TRY(decode_identifier(view, "primary_ecu_serial")));
  manifest.counter = TRY(view.integer("manifest_counter"));
  manifest.reports = TRY(decode_reports(view, "ecu_version_manifests"));
  manifest.missing = TRY(decode_missing(view));
  manifest.rejected = TRY(decode_reports(view, "rejected"));
  if (view.find("installation_report") != nullptr) {
    const json::ObjectView report = TRY(view.object("installation_report"));
    manifest.installation_report = report.members();
  }
  manifest.unknown = other_members(view, {"_type", "vin", "primary_ecu_serial", "manifest_counter"},
                                   {"ecu_version_manifests", "missing", "rejected", "installation_report"});
  return manifest;
}

json::Value VehicleManifest::encode() const {
  Members members = members_of(unknown);
  members.push_back({"_type", json::Value(kType)});
  members.push_back({"vin", json::Value(vin.value())});
  members.push_back({"primary_ecu_serial", json::Value(primary.value())});
  members.push_back({"manifest_counter", json::Value(counter)});
  members.push_back({"ecu_version_manifests", encode_reports(reports)});
  members.push_back({"missing", encode_missing(missing)});
  members.push_back({"rejected", encode_reports(rejected)});
  if (!installation_report.empty())
    members.push_back({"installation_report", json::Value(installation_report)});
  return json::Object(std::move(members));
}

Bytes SignedDocument::wire() const { return to_bytes(json::to_text(tree)); }

Result<SignedDocument> sign_document(json::Value signed_part, crypto::Signer& signer) {
  const Bytes message = json::canonical(signed_part);
  const crypto::Signature made = TRY(signer.sign(message));
  const crypto::PublicKey& key = signer.public_key();
  json::Object hash{{"digest", json::Value(to_hex(crypto::sha256(message)))},
                    {"function", json::Value(kHashFunction)}};
  json::Object signature{{"hash", json::Value(std::move(hash))},
                         {"keyid", json::Value(key.computed_id().value())},
                         {"method", json::Value(crypto::name_of(key.scheme()))},
                         {"sig", json::Value(to_hex(made.bytes))}};
  json::Array signatures{json::Value(std::move(signature))};
  return SignedDocument{
      json::Object{{"signatures", json::Value(std::move(signatures))}, {"signed", std::move(signed_part)}}};
}

Result<VerifiedReport> verify_report(const json::Value& document, const crypto::PublicKey& ecu_key) {
  const json::Value* signed_part = TRY(open_signed(document, ecu_key));
  VersionReport report = TRY(VersionReport::decode(*signed_part));
  return VerifiedReport(std::move(report), document);
}

Result<VerifiedManifest> verify_manifest(const json::Value& document, const crypto::PublicKey& primary_key) {
  const json::Value* signed_part = TRY(open_signed(document, primary_key));
  VehicleManifest manifest = TRY(VehicleManifest::decode(*signed_part));
  return VerifiedManifest(std::move(manifest));
}

}  // namespace cotter::model
