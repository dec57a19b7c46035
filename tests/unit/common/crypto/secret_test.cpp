#include "common/crypto/secret.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "common/crypto/public_key.h"

namespace cotter::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

TEST(Secret, WipesTheBytesItTakesOver) {
  Bytes source = {1, 2, 3};
  const Secret secret = Secret::taking(source);
  EXPECT_EQ(source, Bytes(3));
  EXPECT_TRUE(equal_in_constant_time(secret.view(), Bytes{1, 2, 3}));
}

TEST(Secret, LeavesNothingBehindWhenMoved) {
  Bytes source = {1, 2, 3};
  Secret from = Secret::taking(source);
  Secret to(8);
  to = std::move(from);
  EXPECT_EQ(to.view().size(), 3U);
  EXPECT_TRUE(from.view().empty());  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  const Secret last = std::move(to);
  EXPECT_EQ(last.view()[2], 3);
}

TEST(Secret, MayBeEmpty) { EXPECT_TRUE(Secret(0).view().empty()); }

// RFC 8032 section 7.1, TEST 1.
TEST(Ed25519Pair, SignsAsRfc8032Does) {
  Bytes seed = from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").value();
  const Ed25519Pair pair = Ed25519Pair::from_seed(Secret::taking(seed));
  EXPECT_EQ(to_hex(pair.public_key), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(to_hex(pair.sign({})),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0"
            "595bbe24655141438e7a100b");
}

TEST(Ed25519Pair, SignsWhatItsPublicKeyVerifies) {
  const Ed25519Pair pair = Ed25519Pair::generate();
  const PublicKey key = PublicKey::ed25519(pair.public_key);
  EXPECT_TRUE(key.verifies(as_bytes("message"), pair.sign(as_bytes("message"))));
  EXPECT_FALSE(key.verifies(as_bytes("other"), pair.sign(as_bytes("message"))));
}

// Large ones take another way to the same signature.
TEST(Ed25519Pair, SignsAsLibsodiumDoesAtEverySize) {
  const Ed25519Pair pair = Ed25519Pair::generate();
  for (const std::size_t size : {1U, 65'535U, 65'536U, 65'537U, 300'000U}) {
    const Bytes message(size, 'x');
    Bytes expected(crypto_sign_BYTES);
    crypto_sign_detached(expected.data(), nullptr, message.data(), message.size(),
                         pair.expanded.view().data());
    EXPECT_EQ(pair.sign(message), expected) << size;
  }
}

TEST(Ed25519Pair, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const Ed25519Pair pair = Ed25519Pair::generate();
  EXPECT_EQ(Ed25519Pair::from_seed(pair.seed).public_key, pair.public_key);
  EXPECT_NE(Ed25519Pair::generate().public_key, pair.public_key);
}

}  // namespace
}  // namespace cotter::crypto
