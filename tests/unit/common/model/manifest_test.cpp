#include "common/model/manifest.h"

#include <gtest/gtest.h>

#include "common/json/canonical.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/model/documents.h"

namespace cotter::model {
namespace {

using test::changed;
using test::verdict;
using test::without;

/// An ECU's own key, held in memory.
class EcuSigner final : public crypto::Signer {
 public:
  explicit EcuSigner(std::uint8_t number)
      : pair_(test::pair(number)), key_(crypto::PublicKey::ed25519(pair_.public_key)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_; }
  Result<crypto::Signature> sign(ByteView message) override {
    return crypto::Signature{key_.computed_id(), pair_.sign(message)};
  }

 private:
  crypto::Ed25519Pair pair_;
  crypto::PublicKey key_;
};

/// A signer that is out of reach.
class BusySigner final : public crypto::Signer {
 public:
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_; }
  Result<crypto::Signature> sign(ByteView) override { return fault(Fault::Kind::Busy, "the token is busy"); }

 private:
  crypto::PublicKey key_ = test::public_key(1);
};

json::Value signed_by(std::uint8_t number, const json::Value& part) {
  EcuSigner signer(number);
  return sign_document(part, signer).value().tree;
}

test::Path signature(const char* member) { return {"signatures", "0", member}; }
test::Path hash(const char* member) { return {"signatures", "0", "hash", member}; }

std::string report_verdict(const json::Value& document, std::uint8_t key = 7) {
  return verdict(verify_report(document, test::public_key(key)));
}

// FMT-80
TEST(VersionReport, SaysWhatAnEcuRuns) {
  const VersionReport report = VersionReport::decode(test::report()).value();
  EXPECT_EQ(report.vin, VehicleId("WDB123"));
  EXPECT_EQ(report.ecu, EcuSerial("ECU-0007"));
  EXPECT_EQ(report.installed.name, TargetName("supplier-bosch/brake-4.1.bin"));
  EXPECT_EQ(report.installed.length, 1040000U);
  EXPECT_TRUE(report.installed.hashes.match({}));
  EXPECT_EQ(report.attacks_detected, "director/targets:targets-expired");
  EXPECT_EQ(format_utc(report.time), "2026-11-22T04:00:00Z");
  EXPECT_EQ(format_utc(report.previous_time), "2026-11-21T04:00:00Z");
  EXPECT_EQ(report.counter, 57U);
  EXPECT_EQ(report.director_targets_version, Version(77));
  EXPECT_EQ(report.release_counter, ReleaseCounter(41));
  EXPECT_NE(report.custom.find("operation_result"), nullptr);
}

TEST(VersionReport, RefusesMissingAndStrangeMembers) {
  for (const char* member : {"_type", "vin", "ecu_serial", "installed_image", "attacks_detected",
                             "timeserver_time", "previous_timeserver_time", "report_counter"}) {
    EXPECT_EQ(verdict(VersionReport::decode(without(test::report(), {member}))), "member-missing") << member;
    EXPECT_EQ(verdict(VersionReport::decode(changed(test::report(), {member}, nullptr))), "member-wrong-kind")
        << member;
  }
  for (const char* member : {"director_targets_version", "release_counter", "custom"}) {
    EXPECT_EQ(verdict(VersionReport::decode(without(test::report(), {member}))), "accepted") << member;
    EXPECT_EQ(verdict(VersionReport::decode(changed(test::report(), {member}, "x"))), "member-wrong-kind")
        << member;
  }
  EXPECT_EQ(verdict(VersionReport::decode(changed(test::report(), {"timeserver_time"}, "now"))),
            "date-malformed");
  EXPECT_EQ(verdict(VersionReport::decode(changed(test::report(), {"ecu_serial"}, "../x"))),
            "member-wrong-kind");
  EXPECT_EQ(verdict(VersionReport::decode(changed(test::report(), {"vin"}, ""))), "member-wrong-kind");
}

// FMT-52, ATK-40
TEST(VersionReport, RefusesUnsafeImageNames) {
  EXPECT_EQ(verdict(VersionReport::decode(changed(test::report(), {"installed_image", "filepath"}, "../x"))),
            "target-name-unsafe");
}

// FMT-84
TEST(VersionReport, LimitsItsWordOnAttacks) {
  const auto with = [](std::size_t length) {
    return verdict(
        VersionReport::decode(changed(test::report(), {"attacks_detected"}, std::string(length, 'x'))));
  };
  EXPECT_EQ(with(0), "accepted");
  EXPECT_EQ(with(1024), "accepted");
  EXPECT_EQ(with(1025), "member-wrong-kind");
}

// FMT-81
TEST(SignedDocument, CarriesAllFivePartsOfASignature) {
  const json::Value document = signed_by(7, test::report());
  const Bytes message = json::canonical(test::report());
  const json::Value expected = json::Object{
      {"signatures",
       json::Array{json::Object{
           {"hash", json::Object{{"digest", to_hex(crypto::sha256(message))}, {"function", "sha256"}}},
           {"keyid", test::public_key(7).computed_id().value()},
           {"method", "ed25519"},
           {"sig", to_hex(test::pair(7).sign(message))}}}},
      {"signed", test::report()}};
  EXPECT_EQ(document, expected);
}

TEST(SignedDocument, ReadsBackFromItsWireForm) {
  EcuSigner signer(7);
  const SignedDocument document = sign_document(test::report(), signer).value();
  EXPECT_EQ(test::parse(as_text(document.wire())), document.tree);
}

TEST(SignedDocument, HandsOnASignersFault) {
  BusySigner signer;
  EXPECT_EQ(verdict(sign_document(test::report(), signer)), "fault");
}

TEST(VerifiedReport, ComesFromTheEcusOwnKey) {
  const json::Value document = signed_by(7, test::report());
  const VerifiedReport report = verify_report(document, test::public_key(7)).value();
  EXPECT_EQ(report->ecu, EcuSerial("ECU-0007"));
  EXPECT_EQ((*report).counter, 57U);
  EXPECT_EQ(report.document(), document);
}

// DIR-24, ATK-43
TEST(VerifiedReport, IsNotMadeByAnotherKey) {
  EXPECT_EQ(report_verdict(signed_by(8, test::report())), "manifest-signature-wrong");
  const json::Value claims_key_7 =
      changed(signed_by(8, test::report()), signature("keyid"), test::public_key(7).computed_id().value());
  EXPECT_EQ(report_verdict(claims_key_7), "manifest-signature-wrong");
}

// FMT-83, first direction: right signature, wrong digest.
TEST(VerifiedReport, RefusesADigestOfSomethingElse) {
  const json::Value document = signed_by(7, test::report());
  EXPECT_EQ(report_verdict(changed(document, hash("digest"), test::sha256_of_nothing())),
            "manifest-hash-wrong");
  EXPECT_EQ(report_verdict(changed(document, hash("digest"), "")), "manifest-hash-wrong");
  EXPECT_EQ(report_verdict(changed(document, hash("digest"), "xyz")), "member-wrong-kind");
  EXPECT_EQ(report_verdict(changed(document, hash("function"), "sha512")), "manifest-hash-wrong");
  EXPECT_EQ(report_verdict(changed(document, {"signed", "report_counter"}, 58)), "manifest-hash-wrong");
}

// FMT-83, second direction: right digest, a signature over something else.
TEST(VerifiedReport, RefusesASignatureOverSomethingElse) {
  json::Value other = signed_by(7, changed(test::report(), {"report_counter"}, 58));
  const json::Value document =
      changed(signed_by(7, test::report()), signature("sig"), test::at(other, signature("sig")));
  EXPECT_EQ(report_verdict(document), "manifest-signature-wrong");
  // FMT-83: what is signed is the payload, not its hash.
  const Bytes digest = crypto::sha256(json::canonical(test::report()));
  EXPECT_EQ(report_verdict(
                changed(signed_by(7, test::report()), signature("sig"), to_hex(test::pair(7).sign(digest)))),
            "manifest-signature-wrong");
  EXPECT_EQ(report_verdict(changed(signed_by(7, test::report()), signature("sig"), "")),
            "manifest-signature-wrong");
}

// ATK-37: the key decides the method, and a document that names another is refused.
TEST(VerifiedReport, RefusesAMethodThatIsNotTheKeys) {
  for (const char* method : {"rsassa-pss-sha256", "ecdsa-sha2-nistp256", "ED25519", "unsupported", ""}) {
    EXPECT_EQ(report_verdict(changed(signed_by(7, test::report()), signature("method"), method)),
              "manifest-signature-wrong")
        << method;
  }
}

TEST(VerifiedReport, IsNotMadeByAKeyOfUnknownKind) {
  const json::Value strange =
      test::parse(R"({"keytype":"sphincs","scheme":"sphincs-x","keyval":{"public":"00"}})");
  const crypto::PublicKey key = crypto::PublicKey::decode(strange, crypto::Profile::Vehicle).value();
  const json::Value document = changed(signed_by(7, test::report()), signature("method"), "unsupported");
  EXPECT_EQ(verdict(verify_report(document, key)), "manifest-signature-wrong");
}

// FMT-20: the key id is opaque here.
TEST(VerifiedReport, DoesNotHangOnTheKeyId) {
  EXPECT_EQ(report_verdict(changed(signed_by(7, test::report()), signature("keyid"), "my-key")), "accepted");
}

TEST(VerifiedReport, NeedsExactlyOneSignature) {
  json::Value none = changed(signed_by(7, test::report()), {"signatures"}, json::Array{});
  EXPECT_EQ(report_verdict(none), "manifest-signature-wrong");
  json::Value two = signed_by(7, test::report());
  json::Array& signatures = *test::at(two, {"signatures"}).as_array();
  signatures.push_back(json::Value(signatures.front()));
  EXPECT_EQ(report_verdict(two), "manifest-signature-wrong");
}

TEST(VerifiedReport, RefusesEnvelopesWithoutTheirParts) {
  const json::Value document = signed_by(7, test::report());
  for (const test::Path& path :
       {test::Path{"signed"}, test::Path{"signatures"}, signature("keyid"), signature("method"),
        signature("hash"), signature("sig"), hash("function"), hash("digest")}) {
    EXPECT_EQ(report_verdict(without(document, path)), "member-missing") << path.back();
  }
  EXPECT_EQ(report_verdict("not an object"), "member-wrong-kind");
}

// ATK-38: a good signature over another kind of document.
TEST(VerifiedReport, RefusesOtherDocumentsOfTheSameSigner) {  // FMT-12
  EXPECT_EQ(report_verdict(signed_by(7, test::manifest())), "role-type-wrong");
  EXPECT_EQ(report_verdict(signed_by(7, test::timestamp())), "role-type-wrong");
  EXPECT_EQ(verdict(verify_manifest(signed_by(7, test::report()), test::public_key(7))), "role-type-wrong");
}

// FMT-81, FMT-82, DIR-22
TEST(VehicleManifest, NamesEachEcuAndWhatBecameOfItsReport) {
  const VehicleManifest manifest = VehicleManifest::decode(test::manifest()).value();
  EXPECT_EQ(manifest.vin, VehicleId("WDB123"));
  EXPECT_EQ(manifest.primary, EcuSerial("PRI-1"));
  EXPECT_EQ(manifest.counter, 118U);
  EXPECT_TRUE(manifest.reports.contains(EcuSerial("ECU-0007")));
  EXPECT_EQ(manifest.missing.at(EcuSerial("ECU-0008")), "no answer");
  // PRI-10: forwarded as it came, whatever it is.
  EXPECT_EQ(manifest.rejected.at(EcuSerial("ECU-0009")), json::Value("not even an object"));
  EXPECT_NE(manifest.installation_report.find("items"), nullptr);
}

TEST(VehicleManifest, RefusesMissingAndStrangeMembers) {
  for (const char* member : {"_type", "vin", "primary_ecu_serial", "manifest_counter",
                             "ecu_version_manifests", "missing", "rejected"}) {
    EXPECT_EQ(verdict(VehicleManifest::decode(without(test::manifest(), {member}))), "member-missing")
        << member;
    EXPECT_EQ(verdict(VehicleManifest::decode(changed(test::manifest(), {member}, nullptr))),
              "member-wrong-kind")
        << member;
  }
  for (const char* member : {"ecu_version_manifests", "missing", "rejected"}) {
    EXPECT_EQ(verdict(VehicleManifest::decode(changed(test::manifest(), {member, "a/b"}, "x"))),
              "member-wrong-kind")
        << member;
  }
  EXPECT_EQ(verdict(VehicleManifest::decode(changed(test::manifest(), {"missing", "E"}, 1))),
            "member-wrong-kind");
  EXPECT_EQ(verdict(VehicleManifest::decode(without(test::manifest(), {"installation_report"}))), "accepted");
}

// DIR-23
TEST(VerifiedManifest, ComesFromThePrimarysKey) {
  const json::Value document = signed_by(1, test::manifest());
  EXPECT_EQ(verify_manifest(document, test::public_key(1)).value()->primary, EcuSerial("PRI-1"));
  EXPECT_EQ(verdict(verify_manifest(document, test::public_key(2))), "manifest-signature-wrong");
  EXPECT_EQ(verdict(verify_manifest(changed(document, {"signed", "vin"}, "WDB999"), test::public_key(1))),
            "manifest-hash-wrong");
}

}  // namespace
}  // namespace cotter::model
