#include "common/trust/verified.h"

#include <gtest/gtest.h>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/trust/draft.h"
#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using sim::Keys;
using test::verdict;

/// A root whose timestamp role has three keys and a threshold of two, and a timestamp to sign.
class Threshold : public ::testing::Test {
 protected:
  Threshold() : repository_("image", test::kExpires) {
    repository_.set_keys(model::timestamp_role(), keys_, 2);
    repository_.root.version = Version(1);
    Draft<model::Root> draft(repository_.root);
    for (const auto& signer : repository_.signers[model::root_role()]) EXPECT_TRUE(draft.sign(*signer));
    root_.emplace(draft.seal_anchor().value());
  }
  std::string judged(const Keys& signers) const {
    return judged(sim::signed_file(repository_.timestamp.encode(), signers));
  }
  std::string judged(Bytes wire) const {
    auto file = Unverified<model::Timestamp>::parse(std::move(wire), Profile::Vehicle);
    if (!file) return verdict(file);
    return verdict(std::move(*file).verify(Authority::of_root(*root_, model::timestamp_role())));
  }
  Keys keys_ = sim::keys("holder", 3);
  sim::RepositorySim repository_;
  std::optional<Verified<model::Root>> root_;
};

TEST_F(Threshold, CountsDistinctAuthorisedKeys) {  // FMT-41, VER-12, VER-T
  EXPECT_EQ(judged(sim::pick(keys_, {0, 1})), "accepted");
  EXPECT_EQ(judged(sim::pick(keys_, {2, 0})), "accepted");
  EXPECT_EQ(judged(keys_), "accepted");
  EXPECT_EQ(judged(sim::pick(keys_, {1})), "threshold-not-met");
  EXPECT_EQ(judged(Keys{}), "threshold-not-met");
}

TEST_F(Threshold, PassesOverKeysThatTheRoleDoesNotName) {  // VER-T
  EXPECT_EQ(judged({keys_[0], sim::key("stranger"), keys_[1]}), "accepted");
  EXPECT_EQ(judged({keys_[0], sim::key("stranger")}), "threshold-not-met");
}

TEST_F(Threshold, PassesOverKeysThatTheRootListsForNoRole) {  // FMT-33
  const auto unused = sim::key("unused");
  model::Root root = **root_;
  root.keys.insert_or_assign(unused->public_key().computed_id(), unused->public_key());
  Draft<model::Root> draft(root);
  for (const auto& signer : repository_.signers[model::root_role()]) ASSERT_TRUE(draft.sign(*signer));
  root_.emplace(draft.seal_anchor().value());
  EXPECT_EQ(judged({keys_[0], unused}), "threshold-not-met");
  EXPECT_EQ(judged({keys_[0], unused, keys_[1]}), "accepted");
}

TEST_F(Threshold, NothingIsBelievedBeforeItIsSigned) {  // VER-12
  repository_.timestamp.spec_version = "2.0.0";
  EXPECT_EQ(judged(sim::pick(keys_, {0})), "threshold-not-met");
  EXPECT_EQ(judged(sim::pick(keys_, {0, 1})), "spec-version-unsupported");
}

TEST_F(Threshold, OneBadSignatureSpoilsNothing) {  // VER-T
  auto document = json::read(sim::signed_file(repository_.timestamp.encode(), keys_)).value();
  json::Array& signatures = *document.as_object()->find("signatures")->as_array();
  signatures[1].as_object()->set("sig", "not hex");
  EXPECT_EQ(judged(to_bytes(json::to_text(document))), "accepted");
  signatures[0].as_object()->set("sig", std::string(128, '0'));
  EXPECT_EQ(judged(to_bytes(json::to_text(document))), "threshold-not-met");
}

TEST_F(Threshold, OneKeyIdTwiceRefusesTheFile) {  // FMT-6, ATK-35
  EXPECT_EQ(judged({keys_[0], keys_[1], keys_[0]}), "signature-key-repeated");
}

// Each costs a pass over the whole file: who holds one delegated key must not keep an ECU busy for hours.
TEST_F(Threshold, OneSignatureMoreThanSixtyFourRefusesTheFile) {
  auto document = json::read(sim::signed_file(repository_.timestamp.encode(), keys_)).value();
  json::Array& signatures = *document.as_object()->find("signatures")->as_array();
  while (signatures.size() < 64) {
    signatures.push_back(
        json::Object{{"keyid", "stranger-" + std::to_string(signatures.size())}, {"sig", "00"}});
  }
  EXPECT_EQ(judged(to_bytes(json::to_text(document))), "accepted");
  signatures.push_back(json::Object{{"keyid", "one-more"}, {"sig", "00"}});
  EXPECT_EQ(judged(to_bytes(json::to_text(document))), "member-wrong-kind");
}

TEST_F(Threshold, OneSignaturesBytesUnderAnotherKeyIdCountForNothing) {  // ATK-36
  auto document =
      json::read(sim::signed_file(repository_.timestamp.encode(), sim::pick(keys_, {0, 1}))).value();
  json::Array& signatures = *document.as_object()->find("signatures")->as_array();
  const std::string first = *signatures[0].as_object()->find("sig")->as_string();
  signatures[1].as_object()->set("sig", first);
  EXPECT_EQ(judged(to_bytes(json::to_text(document))), "threshold-not-met");
}

TEST_F(Threshold, OneKeyUnderTwoIdsCountsOnce) {  // FMT-22, ATK-35: other people's roots may list it so
  model::Root root = repository_.root;
  const KeyId own = keys_[0]->public_key().computed_id();
  root.keys.insert_or_assign(KeyId("twin"), root.keys.at(own));
  root.keys.insert_or_assign(KeyId("third"), sim::key("third")->public_key());
  root.roles[model::timestamp_role()] = {{own, KeyId("twin"), KeyId("third")}, 2};
  const Bytes wire = sim::signed_file(root.encode(), repository_.signers[model::root_role()]);
  const auto anchored = Unverified<model::Root>::parse(wire, Profile::Tuf).value().verify_anchor();
  ASSERT_TRUE(anchored) << summary(anchored.error());
  auto document = json::read(sim::signed_file(repository_.timestamp.encode(), sim::pick(keys_, {0}))).value();
  json::Array& signatures = *document.as_object()->find("signatures")->as_array();
  json::Value twin = signatures[0];
  twin.as_object()->set("keyid", "twin");
  signatures.push_back(twin);
  auto file = Unverified<model::Timestamp>::parse(to_bytes(json::to_text(document)), Profile::Tuf);
  EXPECT_EQ(verdict(std::move(*file).verify(Authority::of_root(*anchored, model::timestamp_role()))),
            "threshold-not-met");
}

TEST_F(Threshold, KeepsTheVeryBytesThatWereVerified) {  // FMT-27
  Bytes wire = sim::signed_file(repository_.timestamp.encode(), keys_);
  wire.insert(wire.begin() + 1, ' ');
  const Bytes copy = wire;
  const auto verified = Unverified<model::Timestamp>::parse(std::move(wire), Profile::Vehicle)
                            .value()
                            .verify(Authority::of_root(*root_, model::timestamp_role()));
  ASSERT_TRUE(verified);
  EXPECT_TRUE(std::ranges::equal(verified->wire(), copy));
}

// Signatures are for the canonical form, however the file spells it and wherever it has it.
TEST_F(Threshold, TheFileMayBeSpelledInAnyWay) {  // FMT-25
  const Bytes good = sim::signed_file(repository_.timestamp.encode(), sim::pick(keys_, {0, 1}));
  const json::Value document = json::read(good).value();
  const std::string signatures = json::to_text(*document.as_object()->find("signatures"));
  const std::string part = json::to_text(*document.as_object()->find("signed"));
  std::string escaped = part;
  escaped.replace(escaped.find("timestamp"), 1, "\\u0074");
  for (const std::string& wire : {
           R"({"signatures":)" + signatures + R"(,"signed":)" + part + "}",
           R"({"signatures":)" + signatures + R"(,"signed": )" + part + "\n}",
           R"({"signed":)" + part + R"(,"signatures":)" + signatures + "}",
           R"({"signatures":)" + signatures + R"(,"signed":)" + escaped + "}",
           R"({"another":{"signed":)" + part + R"(},"signatures":)" + signatures + R"(,"signed":)" + part +
               "}",
           json::to_pretty_text(document),
       }) {
    EXPECT_EQ(judged(to_bytes(wire)), "accepted") << wire;
  }
  // What is signed stands there, and is not what the file says.
  std::string other = part;
  other.replace(other.find("\"version\":") + 10, 1, "9");
  EXPECT_EQ(judged(to_bytes(R"({"another":{"signed":)" + part + R"(},"signatures":)" + signatures +
                            R"(,"signed":)" + other + "}")),
            "threshold-not-met");
}

TEST_F(Threshold, NoBitOfTheSignedPartMayChange) {  // ATK-25
  const Bytes good = sim::signed_file(repository_.timestamp.encode(), sim::pick(keys_, {0, 1}));
  const auto begin = std::string_view(as_text(good)).find("\"signed\":");
  for (std::size_t i = begin; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 1;
    EXPECT_NE(judged(bad), "accepted") << "byte " << i;
  }
}

TEST_F(Threshold, EnvelopeWithoutSignaturesOrSignedIsRefused) {  // FMT-1
  EXPECT_EQ(judged(to_bytes(R"({"signed":{}})")), "member-missing");
  EXPECT_EQ(judged(to_bytes(R"({"signatures":[]})")), "member-missing");
  EXPECT_EQ(judged(to_bytes(R"({"signatures":{},"signed":{}})")), "member-wrong-kind");
  for (const char* part : {"keyid", "sig"}) {  // of one signature more than are needed
    auto document = json::read(sim::signed_file(repository_.timestamp.encode(), keys_)).value();
    document.as_object()->find("signatures")->as_array()->at(2).as_object()->erase(part);
    EXPECT_EQ(judged(to_bytes(json::to_text(document))), "member-missing") << part;
  }
  EXPECT_EQ(judged(to_bytes("[]")), "member-wrong-kind");
}

TEST_F(Threshold, DelegationOfNobodyIsMissing) {
  const auto targets =
      Unverified<model::Targets>::parse(repository_.file_of(model::targets_role()), Profile::Vehicle)
          .value()
          .verify(Authority::of_root(*root_, model::targets_role()));
  ASSERT_TRUE(targets);
  const auto none = Authority::of_delegation(*targets, RoleName("supplier"));
  ASSERT_FALSE(none);
  EXPECT_EQ(rejection_in(none.error())->rule, RuleId::RoleMissing);
}

}  // namespace
}  // namespace cotter::trust
