// Keys of several algorithms in one role, and a role that goes over from one algorithm to another, as a
// client sees it that follows each root. Post-quantum ones where this OpenSSL has them; where it has not,
// such a key counts for nothing and hinders nobody.
#include <gtest/gtest.h>

#include "tests/sim/openssl_key.h"
#include "tests/unit/common/trust/trust_kit.h"
#include "tests/unit/common/vectors.h"

namespace cotter::trust {
namespace {

using sim::Keys;
using test::Client;
using test::verdict;

bool has_post_quantum() { return crypto::is_supported(crypto::Scheme::MlDsa87); }

/// Signs for a key whose private half nobody here has: the signature is of the right size, and wrong.
class Pretender final : public crypto::Signer {
 public:
  Pretender()
      : key_(crypto::PublicKey::decode(*test::cases_of("post_quantum.json").front().as_object()->find("key"),
                                       Profile::Vehicle)
                 .value()) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_; }
  Result<crypto::Signature> sign(ByteView /*message*/) override {
    return crypto::Signature{key_.computed_id(), Bytes(2420)};
  }

 private:
  crypto::PublicKey key_;
};

Keys five(const std::string& keytype, const std::string& scheme) {
  Keys keys;
  for (int i = 0; i < 5; ++i) keys.push_back(sim::new_openssl_key(keytype, scheme));
  return keys;
}

/// Hands a role over: the root is signed by those who held it and, where it is the root role, by who does
/// now.
void hand_over(sim::RepositorySim& repository, const RoleName& role, const Keys& keys,
               std::uint32_t threshold) {
  const Keys before = repository.signers.at(model::root_role());
  repository.set_keys(role, keys, threshold);
  if (role == model::root_role()) {
    Keys both = before;
    both.insert(both.end(), keys.begin(), keys.end());
    repository.signers[role] = both;
  }
  repository.publish(model::root_role());
  if (role == model::root_role()) repository.signers[role] = keys;
}

TEST(Algorithms, AnyTwoOfThreeDifferentOnesMeetAThresholdOfTwo) {  // VER-T, FMT-22
  const Keys three = {sim::key("holder"), sim::new_ecdsa_key(), sim::new_rsa_key()};
  Client client;
  hand_over(client.sim, model::targets_role(), three, 2);
  for (const auto& places : {std::pair{0, 1}, std::pair{0, 2}, std::pair{1, 2}}) {
    client.sim.signers[model::targets_role()] = {three[static_cast<std::size_t>(places.first)],
                                                 three[static_cast<std::size_t>(places.second)]};
    client.sim.release({model::targets_role()});
    EXPECT_EQ(verdict(client.refresh()), "accepted") << places.first << " and " << places.second;
  }
  for (const auto& one : three) {
    client.sim.signers[model::targets_role()] = {one};
    client.sim.release({model::targets_role()});
    EXPECT_EQ(verdict(client.refresh()), "threshold-not-met") << crypto::name_of(one->public_key().scheme());
  }
}

TEST(Algorithms, ARootHeldByDifferentOnesIsFollowed) {  // VER-3
  const Keys three = {sim::key("holder"), sim::new_ecdsa_key(), sim::new_rsa_key()};
  Client client;
  hand_over(client.sim, model::root_role(), three, 2);
  for (const std::size_t absent : {0U, 1U, 2U}) {
    Keys present = three;
    present.erase(present.begin() + static_cast<std::ptrdiff_t>(absent));
    client.sim.signers[model::root_role()] = present;
    client.sim.publish(model::root_role());
    EXPECT_EQ(verdict(client.refresh()), "accepted") << "without the " << absent;
  }
  client.sim.signers[model::root_role()] = {three[1]};
  client.sim.publish(model::root_role());
  EXPECT_EQ(verdict(client.refresh()), "threshold-not-met");
}

// ed25519, P-256, RSA, the post-quantum ones, and back: a client in the field follows each step, and one that
// slept through all of them the whole chain.
TEST(Algorithms, ARepositoryThatChangesThemIsFollowed) {  // VER-3, VER-8
  std::vector<Keys> steps = {{sim::new_ecdsa_key()}, {sim::new_rsa_key()}};
  if (has_post_quantum()) {
    for (const char* scheme : {"ml-dsa-44/1", "ml-dsa-65/1", "ml-dsa-87/1"}) {
      steps.push_back({sim::new_openssl_key("ml-dsa", scheme)});
    }
  }
  steps.push_back({sim::key("ed25519 again")});
  Client client;
  Client late;
  ASSERT_TRUE(client.refresh());
  for (const Keys& keys : steps) {
    for (const RoleName& role :
         {model::targets_role(), model::snapshot_role(), model::timestamp_role(), model::root_role()}) {
      hand_over(client.sim, role, keys, 1);
    }
    client.sim.release({model::targets_role()});
    const auto followed = client.refresh();
    ASSERT_TRUE(followed) << crypto::name_of(keys[0]->public_key().scheme()) << ": " << verdict(followed);
    EXPECT_EQ(followed->root()->version, client.sim.root.version);
  }
  late.sim.files = client.sim.files;
  const auto slept = late.refresh();
  ASSERT_TRUE(slept) << verdict(slept);
  EXPECT_EQ(slept->root()->version, client.sim.root.version);
}

TEST(Algorithms, AChangeThatOnlyOneSideSignedIsRefused) {  // VER-3
  for (const bool old_side : {true, false}) {
    Client client;
    const Keys before = client.sim.signers.at(model::root_role());
    const Keys after = {sim::new_ecdsa_key()};
    client.sim.set_keys(model::root_role(), after, 1);
    client.sim.signers[model::root_role()] = old_side ? before : after;
    client.sim.publish(model::root_role());
    EXPECT_EQ(verdict(client.refresh()), old_side ? "root-self-threshold-not-met" : "threshold-not-met");
  }
}

// The staged way into post-quantum keys: they are listed first, and a client whose OpenSSL lacks them loses
// nothing by it. What it cannot verify never counts, whatever the signature says.
TEST(Algorithms, AKeyThatCannotBeVerifiedCountsForNothingAndHindersNothing) {  // VER-T, FMT-9
  const auto classical = sim::key("classical");
  const auto pretender = std::make_shared<Pretender>();
  Client client;
  hand_over(client.sim, model::targets_role(), {classical, pretender}, 1);
  client.sim.release({model::targets_role()});
  EXPECT_EQ(verdict(client.refresh()), "accepted");
  client.sim.signers[model::targets_role()] = {classical};
  client.sim.release({model::targets_role()});
  EXPECT_EQ(verdict(client.refresh()), "accepted");
  client.sim.signers[model::targets_role()] = {pretender};
  client.sim.release({model::targets_role()});
  EXPECT_EQ(verdict(client.refresh()), "threshold-not-met");

  hand_over(client.sim, model::targets_role(), {classical, pretender}, 2);
  client.sim.release({model::targets_role()});
  EXPECT_EQ(verdict(client.refresh()), "threshold-not-met");
}

// VER-LIM: with the caps that a client has unless told otherwise.
TEST(Algorithms, ARootOfFivePostQuantumHoldersAndItsSuccessorFitTheUsualCap) {
  if (!has_post_quantum()) GTEST_SKIP() << "this OpenSSL has no post-quantum schemes";
  Client client;
  hand_over(client.sim, model::root_role(), five("ml-dsa", "ml-dsa-87/1"), 3);
  EXPECT_GT(client.sim.file_of(model::root_role()).size(), 60U * 1024);
  EXPECT_EQ(verdict(client.refresh()), "accepted");
  hand_over(client.sim, model::root_role(), five("ml-dsa", "ml-dsa-87/1"), 3);
  EXPECT_GT(client.sim.file_of(model::root_role()).size(), 100U * 1024);
  const auto followed = client.refresh();
  ASSERT_TRUE(followed) << verdict(followed);
  EXPECT_EQ(followed->root()->version, client.sim.root.version);
}

TEST(Algorithms, ATimestampOfAPostQuantumKeyFitsTheUsualCap) {  // VER-LIM
  if (!has_post_quantum()) GTEST_SKIP() << "this OpenSSL has no post-quantum schemes";
  for (const auto& [keytype, scheme] :
       {std::pair{"ml-dsa", "ml-dsa-87/1"}, std::pair{"slh-dsa", "slh-dsa-sha2-128s/1"}}) {
    Client client;
    hand_over(client.sim, model::timestamp_role(), {sim::new_openssl_key(keytype, scheme)}, 1);
    client.sim.release({model::targets_role()});
    EXPECT_EQ(verdict(client.refresh()), "accepted") << scheme;
  }
}

}  // namespace
}  // namespace cotter::trust
