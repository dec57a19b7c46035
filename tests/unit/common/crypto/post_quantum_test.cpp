// Post-quantum keys and signatures. What another make signed is verified where OpenSSL has the schemes (3.5);
// elsewhere such keys are read, and count for nothing.
#include <gtest/gtest.h>

#include "common/crypto/public_key.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/vectors.h"

namespace cotter::crypto {
namespace {

using test::text_in;
using test::verdict;

struct Case {
  std::string name;
  json::Value key;
  Bytes message;
  Bytes signature;
  bool valid;
};

std::vector<Case> vectors() {
  std::vector<Case> cases;
  for (const json::Value& each : test::cases_of("post_quantum.json")) {
    const json::Object& members = *each.as_object();
    cases.push_back({text_in(each, "name"), *members.find("key"), from_hex(text_in(each, "message")).value(),
                     from_hex(text_in(each, "signature")).value(), *members.find("valid")->as_bool()});
  }
  return cases;
}

Scheme named_in(const json::Value& key) { return scheme_named(text_in(key, "scheme"))->scheme; }

json::Object with_scheme(const json::Value& key, const char* scheme) {
  json::Object changed = *key.as_object();
  changed.set("scheme", scheme);
  return changed;
}

TEST(PostQuantum, SignsThePrefixAndTheDigestOfAMessage) {
  EXPECT_EQ(to_hex(post_quantum_input(as_bytes("abc"))),
            "74756601"
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(PostQuantum, VerifiesWhatAnotherMakeSigned) {  // FMT-24, ATK-37
  std::size_t valid = 0;
  for (const Case& each : vectors()) {
    const Scheme scheme = named_in(each.key);
    if (!is_supported(scheme)) continue;
    for (const Profile profile : {Profile::Vehicle, Profile::Tuf}) {
      const Result<PublicKey> key = PublicKey::decode(each.key, profile);
      ASSERT_TRUE(key) << each.name << ": " << summary(key.error());
      EXPECT_EQ(key->scheme(), scheme) << each.name;
      EXPECT_EQ(key->verifies(each.message, each.signature), each.valid) << each.name;
    }
    valid += each.valid ? 1 : 0;
  }
  if (valid == 0) GTEST_SKIP() << "this OpenSSL has no post-quantum schemes";
  EXPECT_EQ(valid, 5U);
}

TEST(PostQuantum, KeysThatThisOpensslLacksAreReadAndVerifyNothing) {
  for (const Case& each : vectors()) {
    if (is_supported(named_in(each.key))) GTEST_SKIP() << "this OpenSSL has them";
    for (const Profile profile : {Profile::Vehicle, Profile::Tuf}) {
      const Result<PublicKey> key = PublicKey::decode(each.key, profile);
      ASSERT_TRUE(key) << each.name << ": " << summary(key.error());
      EXPECT_EQ(key->scheme(), Scheme::Unsupported) << each.name;
      EXPECT_EQ(key->encode(), each.key) << each.name;
      EXPECT_FALSE(key->verifies(each.message, each.signature)) << each.name;
      EXPECT_EQ(key->material().substr(0, 12), "unsupported:") << each.name;
    }
  }
}

TEST(PostQuantum, FindsChangesOfAMessageAndASignature) {
  for (const Case& each : vectors()) {
    if (each.name != "ml-dsa-65" || !is_supported(named_in(each.key))) continue;
    const PublicKey key = PublicKey::decode(each.key, Profile::Vehicle).value();
    Bytes message = each.message;
    message.back() ^= 1;
    EXPECT_FALSE(key.verifies(message, each.signature));
    Bytes signature = each.signature;
    for (std::size_t i = 0; i < signature.size(); i += 61) {
      signature[i] ^= 4;
      EXPECT_FALSE(key.verifies(each.message, signature)) << "byte " << i;
      signature[i] ^= 4;
    }
    EXPECT_FALSE(key.verifies(each.message, {}));
  }
}

// FMT-7: neither under another type's name, nor of another size than the scheme says.
TEST(PostQuantum, RefusesAKeyUnderAnotherScheme) {
  const json::Value key = vectors().front().key;
  EXPECT_EQ(verdict(PublicKey::decode(with_scheme(key, "ed25519"), Profile::Vehicle)), "key-scheme-mismatch");
  EXPECT_EQ(verdict(PublicKey::decode(with_scheme(key, "slh-dsa-sha2-128s/1"), Profile::Vehicle)),
            "key-scheme-mismatch");
  const auto larger = PublicKey::decode(with_scheme(key, "ml-dsa-65/1"), Profile::Vehicle);
  EXPECT_EQ(verdict(larger), is_supported(Scheme::MlDsa65) ? "key-malformed" : "accepted");
  const auto later = PublicKey::decode(with_scheme(key, "ml-dsa-44/2"), Profile::Vehicle);
  ASSERT_TRUE(later) << "a later version of the encoding is a scheme that we do not know";
  EXPECT_EQ(later->scheme(), Scheme::Unsupported);
}

TEST(PostQuantum, RefusesAnotherSchemesKeyUnderItsName) {
  if (!is_supported(Scheme::MlDsa44)) GTEST_SKIP() << "this OpenSSL has no post-quantum schemes";
  for (const json::Value& each : test::cases_of("keys.json")) {
    if (text_in(each, "name") != "p256") continue;
    json::Object key = with_scheme(*each.as_object()->find("key"), "ml-dsa-44/1");
    key.set("keytype", "ml-dsa");
    EXPECT_EQ(verdict(PublicKey::decode(key, Profile::Vehicle)), "key-malformed");
  }
}

}  // namespace
}  // namespace cotter::crypto
