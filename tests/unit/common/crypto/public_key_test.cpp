#include "common/crypto/public_key.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "common/crypto/secret.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/vectors.h"

namespace cotter::crypto {
namespace {

using test::text_in;
using test::verdict;

/// Whether this build verifies RSA and ECDSA: an ECU's leaves them out, and then they are keys like any
/// unsupported one.
bool with_openssl() {
  static const bool with = [] {
    for (const json::Value& each : test::cases_of("keys.json")) {
      if (text_in(each, "name") != "p256") continue;
      return PublicKey::decode(*each.as_object()->find("key"), Profile::Vehicle).value().scheme() ==
             Scheme::EcdsaP256;
    }
    return false;
  }();
  return with;
}

/// The cases of keys.json by name.
std::map<std::string, json::Object> key_cases() {
  std::map<std::string, json::Object> cases;
  for (const json::Value& each : test::cases_of("keys.json"))
    cases.emplace(text_in(each, "name"), *each.as_object());
  return cases;
}

Result<PublicKey> key_named(const std::string& name, Profile profile = Profile::Vehicle) {
  return PublicKey::decode(*key_cases().at(name).find("key"), profile);
}

/// Checks one case under one profile against what the vector says.
void expect_case(const std::string& name, const json::Object& expected, Profile profile) {
  const Result<PublicKey> key = key_named(name, profile);
  if (const json::Value* rule = expected.find("rule")) {
    EXPECT_EQ(verdict(key), *rule->as_string()) << name;
    return;
  }
  ASSERT_TRUE(key) << name << ": " << summary(key.error());
  EXPECT_EQ(name_of(key->scheme()), text_in(expected, "scheme")) << name;
  const std::string same_as = text_in(expected, "same_material_as");
  if (!same_as.empty()) {
    EXPECT_EQ(key->material(), key_named(same_as)->material()) << name;
  }
}

// FMT-7, FMT-22, FMT-23
TEST(PublicKey, ReadsTheVectorsAsAVehicle) {
  if (!with_openssl()) GTEST_SKIP() << "built without OpenSSL";
  for (const auto& [name, expected] : key_cases()) expect_case(name, expected, Profile::Vehicle);
}

TEST(PublicKey, ReadsOlderSpellingsInOtherPeoplesRepositories) {
  if (!with_openssl()) GTEST_SKIP() << "built without OpenSSL";
  for (const auto& [name, expected] : key_cases()) {
    const json::Value* tuf = expected.find("tuf");
    const json::Object* as_tuf = tuf == nullptr ? &expected : tuf->as_object();
    ASSERT_NE(as_tuf, nullptr) << name;
    expect_case(name, *as_tuf, Profile::Tuf);
  }
}

// FMT-21, FMT-26: PEM newlines go into the hash raw.
TEST(PublicKey, ComputesTheKeyIdThatSecuresystemslibDoes) {
  for (const auto& [name, expected] : key_cases()) {
    const json::Value* keyid = expected.find("keyid");
    if (keyid == nullptr) continue;
    EXPECT_EQ(key_named(name)->computed_id().value(), *keyid->as_string()) << name;
  }
}

// FMT-22, ATK-35: nothing but the listed spellings of one key share their material.
TEST(PublicKey, HasMaterialOfItsOwn) {
  std::map<std::string, std::string> owner;
  for (const auto& [name, expected] : key_cases()) {
    if (expected.find("rule") != nullptr || expected.find("same_material_as") != nullptr) continue;
    if (text_in(expected, "scheme") == "unsupported") continue;
    const auto [at, is_new] = owner.emplace(key_named(name)->material(), name);
    EXPECT_TRUE(is_new) << name << " and " << at->second;
  }
}

// FMT-9
TEST(PublicKey, KeepsMembersItDoesNotKnow) {
  const json::Value json = key_named("ed25519-extra-members")->encode();
  EXPECT_EQ(text_in(json, "x-note"), "kept");
}

// FMT-24, ATK-37
TEST(PublicKey, VerifiesTheVectors) {
  if (!with_openssl()) GTEST_SKIP() << "built without OpenSSL";
  const json::Array cases = test::cases_of("signatures.json");
  EXPECT_GE(cases.size(), 58U);
  for (const json::Value& each : cases) {
    const Bytes message = from_hex(text_in(each, "message")).value();
    const Bytes signature = from_hex(text_in(each, "signature")).value();
    const bool valid = *each.as_object()->find("valid")->as_bool();
    EXPECT_EQ(key_named(text_in(each, "key"))->verifies(message, signature), valid) << text_in(each, "name");
  }
}

TEST(PublicKey, VerifiesEd25519InEveryBuild) {  // FMT-24
  for (const json::Value& each : test::cases_of("signatures.json")) {
    if (text_in(each, "key") != "ed25519") continue;
    const bool valid = *each.as_object()->find("valid")->as_bool();
    EXPECT_EQ(key_named("ed25519")->verifies(from_hex(text_in(each, "message")).value(),
                                             from_hex(text_in(each, "signature")).value()),
              valid)
        << text_in(each, "name");
  }
}

TEST(PublicKey, FindsEveryOneBitChangeOfASignature) {
  for (const json::Value& each : test::cases_of("signatures.json")) {
    const std::string name = text_in(each, "name");
    if (name != "ed25519" && name != "p256" && name != "rsa-2048-salt-32") continue;
    const PublicKey key = key_named(text_in(each, "key")).value();
    const Bytes message = from_hex(text_in(each, "message")).value();
    Bytes signature = from_hex(text_in(each, "signature")).value();
    for (std::size_t bit = 0; bit < signature.size() * 8; bit += 5) {
      signature[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_FALSE(key.verifies(message, signature)) << name << " bit " << bit;
      signature[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    }
  }
}

// With such a key anybody could sign: S = 0 and R = the key itself verify over any message, were it not
// refused.
TEST(PublicKey, VerifiesNothingUnderAnEd25519KeyOfSmallOrder) {
  for (const char* point : {"0100000000000000000000000000000000000000000000000000000000000000",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000080",
                            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"}) {
    const Bytes raw = from_hex(point).value();
    Bytes signature = raw;
    signature.resize(64);
    EXPECT_FALSE(PublicKey::ed25519(raw).verifies(as_bytes("any"), signature)) << point;
    Bytes identity(64);
    identity[0] = 1;
    EXPECT_FALSE(PublicKey::ed25519(raw).verifies(as_bytes("any"), identity)) << point;
  }
}

TEST(PublicKey, OfRawBytesIsTheOneReadFromMetadata) {
  const PublicKey read = key_named("ed25519").value();
  const PublicKey made =
      PublicKey::ed25519(from_hex(read.material().substr(read.material().find(':') + 1)).value());
  EXPECT_EQ(made.encode(), read.encode());
  EXPECT_EQ(made.material(), read.material());
  EXPECT_EQ(made.computed_id(), read.computed_id());
}

// Repositories in the field list such keys beside good ones.
TEST(PublicKey, VerifiesNothingWithAnUnsupportedKey) {
  for (const char* name : {"unknown-keytype", "rsa-pkcs1v15", "sigstore-identity", "p384"}) {
    const PublicKey key = key_named(name).value();
    EXPECT_EQ(key.scheme(), Scheme::Unsupported) << name;
    EXPECT_FALSE(key.verifies({}, {})) << name;
    EXPECT_EQ(key.material().substr(0, 12), "unsupported:") << name;
  }
  EXPECT_NE(key_named("p384")->material(), key_named("rsa-pkcs1v15")->material());
}

TEST(PublicKey, RefusesASchemeOfAnotherKeyType) {
  EXPECT_EQ(verdict(key_named("ed25519-with-rsa-scheme")), "key-scheme-mismatch");
  EXPECT_EQ(verdict(key_named("rsa-with-ed25519-scheme")), "key-scheme-mismatch");
}

TEST(PublicKey, RefusesAMalformedKeyObject) {
  using json::Object;
  EXPECT_EQ(verdict(PublicKey::decode("key", Profile::Vehicle)), "member-wrong-kind");
  EXPECT_EQ(verdict(PublicKey::decode(Object(), Profile::Vehicle)), "member-missing");
  EXPECT_EQ(
      verdict(PublicKey::decode(Object{{"keytype", "ed25519"}, {"scheme", "ed25519"}}, Profile::Vehicle)),
      "member-missing");
  EXPECT_EQ(
      verdict(PublicKey::decode(Object{{"keytype", "ed25519"}, {"scheme", "ed25519"}, {"keyval", Object()}},
                                Profile::Vehicle)),
      "member-missing");
  EXPECT_EQ(verdict(PublicKey::decode(Object{{"keytype", "ed25519"}, {"scheme", "ed25519"}, {"keyval", "00"}},
                                      Profile::Vehicle)),
            "member-wrong-kind");
  EXPECT_EQ(verdict(PublicKey::decode(Object{{"keytype", 1}, {"scheme", "ed25519"}, {"keyval", Object()}},
                                      Profile::Vehicle)),
            "member-wrong-kind");
  EXPECT_EQ(verdict(key_named("ed25519-of-31-bytes")), "key-malformed");
}

// With such a key anybody could sign, for what is multiplied with it vanishes.
TEST(PublicKey, RefusesAnEcdsaKeyThatIsThePointAtInfinity) {
  if (!with_openssl()) GTEST_SKIP() << "built without OpenSSL";
  const std::pair<const char*, const char*> keys[] = {
      {"ecdsa-sha2-nistp256", "MBkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDAgAA"},
      {"ecdsa-sha2-nistp384", "MBYwEAYHKoZIzj0CAQYFK4EEACIDAgAA"}};
  for (const auto& [scheme, der] : keys) {
    const std::string pem =
        "-----BEGIN PUBLIC KEY-----\n" + std::string(der) + "\n-----END PUBLIC KEY-----\n";
    const json::Object key{
        {"keytype", "ecdsa"}, {"scheme", scheme}, {"keyval", json::Object{{"public", pem}}}};
    EXPECT_EQ(verdict(PublicKey::decode(key, Profile::Tuf)), "key-malformed") << scheme;
  }
}

}  // namespace
}  // namespace cotter::crypto
