#include "server/app/intake.h"

#include <gtest/gtest.h>

#include <string>

#include "common/json/canonical.h"
#include "server/operations/papers.h"
#include "tests/sim/openssl_key.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using operations::FileKind;
using test::kImage;
using test::kNow;
using test::SupplierWorkspace;

class IntakeOf : public testing::Test {
 protected:
  void SetUp() override {
    ws.take_in();
    set.emplace(ws.read().value());
    terms.way = {{set->targets(), RoleName("acme")}};
    terms.supplier = &supplier;
    terms.now = kNow;
  }
  static IntakeFile file(FileKind kind, std::string_view content) {
    return {kind, content.size(), crypto::Hashes::of(as_bytes(content)), to_bytes(content)};
  }
  IntakeVerdict judge(const Bytes& metadata, std::vector<IntakeFile> more = {file(FileKind::Image, kImage)}) {
    more.insert(more.begin(), file(FileKind::Metadata, as_text(metadata)));
    return judge_submission(terms, more);
  }
  IntakeVerdict judge(const model::Targets& targets) { return judge(ws.signed_by(targets)); }
  static repository::Release release() { return SupplierWorkspace::release("acme/ecu/app", kImage); }
  /// Exactly one thing is wrong, and the sentence says this.
  static void expect_wrong(const IntakeVerdict& verdict, std::string_view part) {
    ASSERT_EQ(verdict.wrong.size(), 1U) << testing::PrintToString(verdict.wrong);
    EXPECT_NE(verdict.wrong.front().find(part), std::string::npos) << verdict.wrong.front();
  }

  SupplierWorkspace ws;
  std::optional<trust::TrustedSet> set;
  operations::Supplier supplier{RoleName("acme"), {}, kNow};
  IntakeTerms terms;
};

TEST_F(IntakeOf, TakesWhatIsRight) {
  const auto verdict = judge(SupplierWorkspace::next(release()));
  EXPECT_TRUE(verdict.wrong.empty()) << testing::PrintToString(verdict.wrong);
  EXPECT_EQ(verdict.fresh, (std::vector<TargetName>{TargetName("acme/ecu/app")}));
  EXPECT_EQ(crypto::sha256(verdict.canonical),
            crypto::sha256(json::canonical(SupplierWorkspace::next(release()).encode())));
}

TEST_F(IntakeOf, WantsTheThresholdOfTheDelegationsKeys) {  // IMG-7
  const auto targets = SupplierWorkspace::next(release());
  expect_wrong(judge(ws.signed_by(targets, {0})), "threshold-not-met");
  expect_wrong(judge(ws.signed_by(targets, {2, 2})), "threshold-not-met");
  expect_wrong(judge(sim::signed_file(targets.encode(), sim::keys("stranger", 2))), "threshold-not-met");
  EXPECT_TRUE(judge(ws.signed_by(targets, {0, 2})).wrong.empty());
}

TEST_F(IntakeOf, WantsAVersionAboveWhatIsPublishedOrPromised) {  // IMG-7
  const model::Targets published = SupplierWorkspace::next(release(), 4);
  terms.published = &published;
  const auto more = [&](std::uint64_t version) {
    return SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/boot", kImage), version, published);
  };
  expect_wrong(judge(more(4)), "is not above");
  EXPECT_TRUE(judge(more(5)).wrong.empty());
  terms.spent = Version(5);
  expect_wrong(judge(more(5)), "is not above");
  expect_wrong(judge(more(5)), "cotter submit --metadata-version 6");
  expect_wrong(judge(more(1'000'000)), "leaps");
}

TEST_F(IntakeOf, WantsALifeThatHasNotEndedAndIsNotTooLong) {  // IMG-7
  auto targets = SupplierWorkspace::next(release());
  targets.expires = kNow;
  expect_wrong(judge(targets), "expired");
  targets.expires = kNow + supplier.policy.expiry_ceiling + std::chrono::seconds(1);
  expect_wrong(judge(targets), "it lives until");
  targets.expires = kNow + supplier.policy.expiry_ceiling;
  EXPECT_TRUE(judge(targets).wrong.empty());
}

TEST_F(IntakeOf, WantsNamesWithinThePaths) {  // IMG-3
  for (const char* name : {"other/ecu/app", "acme/app", "acme/ecu/sub/app"}) {
    expect_wrong(judge(SupplierWorkspace::next(SupplierWorkspace::release(name, kImage))),
                 "no name that acme");
  }
}

TEST_F(IntakeOf, WantsHardwareWithinTheScope) {  // IMG-3
  auto other = release();
  other.hardware_ids = {HardwareId("other-ecu")};
  expect_wrong(judge(SupplierWorkspace::next(other)), "makes nothing for");
  other.hardware_ids = {HardwareId("acme-ecu"), HardwareId("other-ecu")};
  expect_wrong(judge(SupplierWorkspace::next(other)), "makes nothing for");
  auto targets = SupplierWorkspace::next(release());
  targets.targets.begin()->second.custom = json::Object();
  expect_wrong(judge(targets), "mustMatch");
}

TEST_F(IntakeOf, RefusesNamesThatLeaveTheirFolder) {  // FMT-52
  for (const char* name : {"acme/../app", "acme//app", "/acme/ecu/app", "acme/ecu/..", "acme/ecu/a\\b",
                           "acme/ecu/\x1b[2J", "acme/ecu/a\nb"}) {
    const auto verdict = judge(SupplierWorkspace::next(SupplierWorkspace::release(name, kImage)));
    EXPECT_FALSE(verdict.wrong.empty()) << name;
  }
}

TEST_F(IntakeOf, WantsTheBytesThatAreListed) {  // IMG-7
  const auto targets = SupplierWorkspace::next(release());
  const Bytes metadata = ws.signed_by(targets);
  expect_wrong(judge(metadata, {}), "was not sent");
  IntakeFile longer = file(FileKind::Image, kImage);
  ++longer.length;
  expect_wrong(judge(metadata, {longer}), "is listed with");
  auto twofold = targets;
  twofold.targets.begin()->second.hashes.set(crypto::HashFunction::Sha512, Bytes(64, 7));
  expect_wrong(judge(twofold), "another hash");
  expect_wrong(judge(metadata, {file(FileKind::Image, kImage), file(FileKind::Image, "a stowaway")}),
               "listed under no new name");
}

/// Two hashed bins, signed by the keys of the delegation.
class IntakeOfBins : public IntakeOf {
 protected:
  void SetUp() override {
    IntakeOf::SetUp();
    supplier.policy.bit_length = 1;
    const model::Delegations& listed = *(*set->targets())->delegations;
    own.expires = kNow + std::chrono::days(30);
    model::Delegations& delegations = own.delegations.emplace();
    delegations.keys = listed.keys;
    model::SuccinctRoles& bins = delegations.succinct.emplace();
    bins.keys = listed.roles.front().keys;
    bins.bit_length = 1;
    bins.name_prefix = "acme";
  }
  [[nodiscard]] RoleName bin_of(const std::string& name) const {
    return own.delegations->succinct->bin_of(TargetName(name));
  }
  /// A name whose image lies in the other bin.
  [[nodiscard]] std::string elsewhere(const std::string& name) const {
    std::string other = name;
    while (bin_of(other) == bin_of(name)) other += 'x';
    return other;
  }
  /// Of a bin with this image, whose counter is the version.
  [[nodiscard]] Bytes bin(const std::string& name, std::uint64_t version = 1) const {
    return ws.signed_by(SupplierWorkspace::next(SupplierWorkspace::release(name, kImage, version), version));
  }
  [[nodiscard]] IntakeFile bin_file(const std::string& name, std::uint64_t version = 1) const {
    IntakeFile metadata = file(FileKind::Metadata, as_text(bin(name, version)));
    metadata.roles = {bin_of(name)};
    return metadata;
  }
  [[nodiscard]] trust::Verified<model::Targets> verified(const std::string& name) const {
    const auto authority = trust::Authority::of_draft(own, bin_of(name)).value();
    auto unverified = trust::Unverified<model::Targets>::parse(bin(name), model::Profile::Vehicle).value();
    return std::move(unverified).verify(authority).value();
  }

  model::Targets own;
  const std::string one = "acme/ecu/app";
};

TEST_F(IntakeOfBins, TakesNoMoreThanCanBeRenewedInOneSubmission) {
  const std::string other = elsewhere(one);
  const std::vector<IntakeFile> first{file(FileKind::Metadata, as_text(ws.signed_by(own))), bin_file(one),
                                      bin_file(other), file(FileKind::Image, kImage)};
  terms.most_bins_bytes = first[1].length + first[2].length;
  const auto good = judge_submission(terms, first);
  EXPECT_TRUE(good.wrong.empty()) << testing::PrintToString(good.wrong);
  --terms.most_bins_bytes;
  expect_wrong(judge_submission(terms, first), "can be renewed in one submission");

  // One after the other: what is published counts as it stays.
  const auto kept = verified(one), replaced = verified(other);
  terms.published = &own;
  terms.family = {{bin_of(one), &kept}, {bin_of(other), &replaced}};
  const std::vector<IntakeFile> next{bin_file(other, 2), file(FileKind::Image, kImage)};
  terms.most_bins_bytes = kept.wire().size() + next[0].length;
  const auto fits = judge_submission(terms, next);
  EXPECT_TRUE(fits.wrong.empty()) << testing::PrintToString(fits.wrong);
  --terms.most_bins_bytes;
  expect_wrong(judge_submission(terms, next), "can be renewed in one submission");
}

TEST_F(IntakeOf, NeverLetsACounterFall) {  // IMG-9
  terms.counters[HardwareId("acme-ecu")] = ReleaseCounter(5);
  const auto counted = [](std::uint64_t counter) {
    return SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/app", kImage, counter));
  };
  expect_wrong(judge(counted(4)), "a rollback");
  EXPECT_TRUE(judge(counted(5)).wrong.empty());
  supplier.policy.version_floor = 6;
  expect_wrong(judge(counted(5)), "below the floor");
}

TEST_F(IntakeOf, LetsACounterLeapNoFurtherThanThePolicySays) {  // IMG-9
  const auto counted = [](std::uint64_t counter) {
    return SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/app", kImage, counter));
  };
  expect_wrong(judge(counted((std::uint64_t{1} << 53U) - 1)), "leaps");
  expect_wrong(judge(counted(1'000'001)), "leaps");
  EXPECT_TRUE(judge(counted(1'000'000)).wrong.empty());
  terms.counters[HardwareId("acme-ecu")] = ReleaseCounter(5);
  EXPECT_TRUE(judge(counted(1'000'005)).wrong.empty());
  expect_wrong(judge(counted(1'000'006)), "acme-ecu has 5");
  supplier.policy.counter_leap = 10;
  EXPECT_TRUE(judge(counted(15)).wrong.empty());
  expect_wrong(judge(counted(16)), "leaps");
  supplier.policy.version_floor = 20'261'127;
  EXPECT_TRUE(judge(counted(20'261'137)).wrong.empty()) << "counting may begin at the floor";
  expect_wrong(judge(counted(20'261'138)), "leaps");
  terms.counters.clear();
  const model::Targets published = counted(20'261'138);
  terms.published = &published;
  terms.spent = Version(1);
  auto next = published;
  next.version = Version(2);
  const auto as_before = judge(ws.signed_by(next), {});
  EXPECT_TRUE(as_before.wrong.empty())
      << "what is published stays: " << testing::PrintToString(as_before.wrong);
}

TEST(SupplierPolicy, OfBeforeCountersHadACeilingHasTheUsualOne) {
  json::Object kept = operations::SupplierPolicy{}.encode();
  kept.erase("counter_leap");
  EXPECT_EQ(operations::SupplierPolicy::decode(kept)->counter_leap, 1'000'000U);
  kept.set("counter_leap", 7);
  EXPECT_EQ(operations::SupplierPolicy::decode(kept)->counter_leap, 7U);
}

TEST_F(IntakeOf, HoldsKeysAndQuotaAgainstThePolicy) {
  supplier.policy.schemes = {"ecdsa-sha2-nistp256"};
  EXPECT_EQ(judge(SupplierWorkspace::next(release())).wrong.size(), 3U) << "each of the three keys";
  supplier.policy.schemes.clear();
  supplier.policy.quota_bytes = kImage.size() - 1;
  expect_wrong(judge(SupplierWorkspace::next(release())), "the quota");
}

class IntakeOfRsa : public IntakeOf {
 protected:
  void SetUp() override {
    ws.acme[2] = sim::new_rsa_key();  // 2048 bits
    IntakeOf::SetUp();
  }
};

TEST_F(IntakeOfRsa, HoldsTheLengthOfKeysAgainstThePolicy) {
  const auto next = SupplierWorkspace::next(release());
  EXPECT_TRUE(judge(next).wrong.empty());
  supplier.policy.min_rsa_bits = 2049;
  expect_wrong(judge(next), "is RSA of 2048 bits, and the policy wants 2049");
}

TEST(SupplierPolicy, OfBeforeItSpokeOfRsaWantsWhatVehiclesDo) {
  json::Object kept = operations::SupplierPolicy{}.encode();
  kept.erase("min_rsa_bits");
  EXPECT_EQ(operations::SupplierPolicy::decode(kept)->min_rsa_bits, 2048U);
  kept.set("min_rsa_bits", 3072);
  EXPECT_EQ(operations::SupplierPolicy::decode(kept)->min_rsa_bits, 3072U);
}

TEST_F(IntakeOf, TakesNoDelegationWhereThePolicyDoesNotSaySo) {
  expect_wrong(judge(SupplierWorkspace::letting_sign(ws.below(), SupplierWorkspace::next(release()))),
               "lets others sign");
}

TEST_F(IntakeOf, ReportsASupplierThatNobodyDelegatesTo) {
  terms.way.front().role = RoleName("nobody");
  expect_wrong(judge(SupplierWorkspace::next(release())), "do not delegate");
}

class Papers : public IntakeOf {
 protected:
  static std::string statement(const std::string& content) {
    return R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",)"
           R"("predicate":{},"subject":[{"name":"app","digest":{"sha256":")" +
           to_hex(crypto::sha256(as_bytes(content))) + R"("}}]})";
  }
  std::string sealed(const std::string& text, const std::shared_ptr<crypto::Signer>& by) {
    return std::string(as_text(operations::seal_statement(as_bytes(text), {by.get()}).value()));
  }
  static std::string of_type(const std::string& predicate) {
    std::string text = statement(kImage);
    const std::string slsa = "https://slsa.dev/provenance/v1";
    return text.replace(text.find(slsa), slsa.size(), predicate);
  }
  IntakeVerdict judge_with(FileKind kind, const std::string& paper) {
    return judge(ws.signed_by(SupplierWorkspace::next(release())),
                 {file(FileKind::Image, kImage), file(kind, paper)});
  }
};

TEST_F(Papers, AreWantedWhereThePolicySaysSo) {
  supplier.policy.needs_sbom = true;
  expect_wrong(judge(SupplierWorkspace::next(release())), "no SBOM");
  EXPECT_TRUE(judge_with(FileKind::Sbom, SupplierWorkspace::sbom(kImage)).wrong.empty());
  supplier.policy.needs_sbom = false;
  supplier.policy.needs_provenance = true;
  expect_wrong(judge(SupplierWorkspace::next(release())), "provenance");
  EXPECT_TRUE(judge_with(FileKind::Provenance, sealed(statement(kImage), ws.acme[2])).wrong.empty());
}

TEST_F(Papers, AreListedWithTheFirstImageThatTheyAreAbout) {
  const std::string paper = SupplierWorkspace::sbom(kImage);
  const auto verdict = judge_with(FileKind::Sbom, paper);
  ASSERT_EQ(verdict.papers.size(), 1U);
  EXPECT_EQ(verdict.papers.front().kind, FileKind::Sbom);
  EXPECT_EQ(verdict.papers.front().sha256, crypto::sha256(as_bytes(paper)));
  EXPECT_EQ(verdict.papers.front().name.value(), "acme/ecu/app");
  EXPECT_TRUE(judge_with(FileKind::Sbom, SupplierWorkspace::sbom("another build")).papers.empty());
}

TEST_F(Papers, AreReadEvenWhereNobodyWantsThem) {
  for (const std::string& bad :
       {std::string("{}"), std::string("[]"), std::string("not JSON"),
        std::string(R"({"bomFormat":"CycloneDX","specVersion":"9","components":[]})"),
        std::string(R"({"bomFormat":"CycloneDX","specVersion":"1.5"})")}) {
    expect_wrong(judge_with(FileKind::Sbom, bad), "SBOM: ");
    expect_wrong(judge_with(FileKind::Provenance, bad), "provenance: ");
  }
  expect_wrong(judge_with(FileKind::Sbom, SupplierWorkspace::sbom("another build")), "names none");
  expect_wrong(judge_with(FileKind::Provenance, sealed(statement("another build"), ws.acme[0])),
               "about none");
}

TEST_F(Papers, CountOnlyAsTheSupplierSignedThem) {
  expect_wrong(judge_with(FileKind::Provenance, sealed(statement(kImage), sim::key("stranger"))),
               "signed by none");
  std::string tampered = sealed(statement("another build"), ws.acme[0]);
  const std::string payload = to_base64(as_bytes(statement("another build")));
  tampered.replace(tampered.find(payload), payload.size(), to_base64(as_bytes(statement(kImage))));
  expect_wrong(judge_with(FileKind::Provenance, tampered), "signed by none");
  const std::string other_type =
      R"({"_type":"https://in-toto.io/Statement/v0.1","predicateType":"x","predicate":{},"subject":[]})";
  expect_wrong(judge_with(FileKind::Provenance, sealed(other_type, ws.acme[0])), "provenance: ");
}

TEST_F(Papers, AreProvenanceWhereTheyAreSlsaProvenance) {
  for (const char* other : {"", "https://spdx.dev/Document", "https://slsa.dev/verification_summary/v1",
                            "https://slsa.dev/provenance", "https://slsa.dev/provenance/v1/other"}) {
    expect_wrong(judge_with(FileKind::Provenance, sealed(of_type(other), ws.acme[0])),
                 "https://slsa.dev/provenance/v1");
  }
  for (const char* good : {"https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"}) {
    const auto verdict = judge_with(FileKind::Provenance, sealed(of_type(good), ws.acme[0]));
    EXPECT_TRUE(verdict.wrong.empty()) << good << testing::PrintToString(verdict.wrong);
  }
}

}  // namespace
}  // namespace cotter::app
