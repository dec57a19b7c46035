#include "common/crypto/digest.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"

namespace cotter::crypto {
namespace {

using test::verdict;

// FIPS 180-2, appendices B.1 and C.1.
constexpr std::string_view kSha256OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kSha512OfAbc =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

json::Value hashes_json(std::string_view name, std::string_view hex) {
  return json::Object{{std::string(name), std::string(hex)}};
}

TEST(Digest, AgreesWithThePublishedVectors) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), kSha256OfAbc);
  EXPECT_EQ(to_hex(digest(HashFunction::Sha512, as_bytes("abc"))), kSha512OfAbc);
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hasher, GivesTheSameForAnyCutOfTheInput) {
  const Bytes input(100000, 0x61);
  for (const HashFunction function : {HashFunction::Sha256, HashFunction::Sha512}) {
    Hasher hasher(function);
    for (std::size_t at = 0, step = 0; at < input.size(); at += step) {
      step = std::min<std::size_t>(at % 777, input.size() - at);
      hasher.update(ByteView(input).subspan(at, step));
      if (step == 0) hasher.update(ByteView(input).subspan(at, step = 1));
    }
    Hasher moved = std::move(hasher);
    EXPECT_EQ(moved.finish(), digest(function, input));
  }
}

TEST(HashFunction, IsFoundByItsName) {
  EXPECT_EQ(hash_function_named("sha256"), HashFunction::Sha256);
  EXPECT_EQ(hash_function_named("sha512"), HashFunction::Sha512);
  EXPECT_EQ(hash_function_named("md5"), std::nullopt);
  EXPECT_EQ(hash_function_named("SHA256"), std::nullopt);
  EXPECT_EQ(name_of(HashFunction::Sha512), "sha512");
  EXPECT_EQ(digest_size(HashFunction::Sha512), 64U);
}

TEST(Hashes, MatchTheBytesTheyWereMadeOf) {
  const Hashes hashes = Hashes::of(as_bytes("abc"));
  EXPECT_TRUE(hashes.match(as_bytes("abc")));
  EXPECT_FALSE(hashes.match(as_bytes("abd")));
  EXPECT_EQ(to_hex(*hashes.find(HashFunction::Sha512)), kSha512OfAbc);
}

TEST(Hashes, SurviveEncodingAndDecoding) {
  const Hashes hashes = Hashes::of(as_bytes("abc"));
  EXPECT_EQ(Hashes::decode(hashes.encode()).value(), hashes);
}

TEST(Hashes, MatchOnlyWhenEveryKnownFunctionDoes) {  // PRI-13
  Hashes hashes = Hashes::of(as_bytes("abc"));
  hashes.set(HashFunction::Sha512, digest(HashFunction::Sha512, as_bytes("other")));
  EXPECT_FALSE(hashes.match(as_bytes("abc")));
}

TEST(Hashes, KeepUnknownFunctionsAndNeverCountThem) {
  const json::Value value = json::Object{{"blake2b-256", "00ff"}, {"sha256", std::string(kSha256OfAbc)}};
  const Hashes hashes = Hashes::decode(value).value();
  EXPECT_EQ(hashes.all().size(), 2U);
  EXPECT_EQ(hashes.encode(), value);
  EXPECT_TRUE(hashes.match(as_bytes("abc")));
}

// FMT-50
TEST(Hashes, AreRefusedWithoutAKnownFunction) {
  EXPECT_EQ(verdict(Hashes::decode(json::Object())), "hashes-empty");
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("md5", "00ff"))), "hashes-empty");
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("SHA256", kSha256OfAbc))), "hashes-empty");
  EXPECT_FALSE(Hashes().match({}));
}

TEST(Hashes, AreRefusedWithADigestOfAnotherLength) {
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("sha256", ""))), "hash-length-wrong");
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("sha256", kSha256OfAbc.substr(2)))), "hash-length-wrong");
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("sha256", kSha512OfAbc))), "hash-length-wrong");
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("sha512", kSha256OfAbc))), "hash-length-wrong");
}

TEST(Hashes, AreRefusedWhenNotHex) {
  EXPECT_EQ(verdict(Hashes::decode("sha256")), "member-wrong-kind");
  EXPECT_EQ(verdict(Hashes::decode(json::Object{{"sha256", 7}})), "member-wrong-kind");
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("sha256", kSha256OfAbc.substr(1)))), "member-wrong-kind");
  EXPECT_EQ(verdict(Hashes::decode(hashes_json("sha256", "zz"))), "member-wrong-kind");
}

// PRI-30
TEST(Hashes, AgreeWhenASharedFunctionDoesAndNoneDiffers) {
  Hashes short_list;
  short_list.set(HashFunction::Sha256, sha256(as_bytes("abc")));
  Hashes other;
  other.set(HashFunction::Sha512, digest(HashFunction::Sha512, as_bytes("abc")));
  const Hashes both = Hashes::of(as_bytes("abc"));
  EXPECT_TRUE(both.agrees_with(short_list));
  EXPECT_TRUE(short_list.agrees_with(both));
  EXPECT_TRUE(other.agrees_with(both));
  EXPECT_FALSE(short_list.agrees_with(other));
  EXPECT_FALSE(Hashes().agrees_with(Hashes()));
  EXPECT_FALSE(both.agrees_with(Hashes::of(as_bytes("abd"))));
  Hashes half_wrong = both;
  half_wrong.set(HashFunction::Sha512, Bytes(64));
  EXPECT_FALSE(both.agrees_with(half_wrong));
}

}  // namespace
}  // namespace cotter::crypto
