// Thresholds by class of keys, beside the plain one (decision 0025): in the files, and as clients obey them.
#include <gtest/gtest.h>

#include "tests/sim/openssl_key.h"
#include "tests/unit/common/model/documents.h"
#include "tests/unit/common/trust/trust_kit.h"
#include "tests/unit/common/vectors.h"

namespace cotter::trust {
namespace {

using crypto::KeyClass;
using model::ClassThresholds;
using Stage = ClassThresholds::Stage;
using sim::Keys;
using test::changed;
using test::Client;
using test::verdict;

crypto::PublicKey post_quantum_key() {
  return crypto::PublicKey::decode(*test::cases_of("post_quantum.json").front().as_object()->find("key"),
                                   Profile::Vehicle)
      .value();
}

/// Targets with two classical keys and one that is post-quantum, of which two must sign, whichever.
struct Hybrid : testing::Test {
  Client client;
  Keys classical = {sim::key("holder-1"), sim::key("holder-2")};
  Keys all = classical;

  /// Where this OpenSSL has no such scheme, the key is listed and nobody can sign with it.
  void list(Stage stage, std::map<KeyClass, std::uint32_t> least) {
    sim::RepositorySim& sim = client.sim;
    if (crypto::is_supported(crypto::Scheme::MlDsa44)) {
      all.push_back(sim::new_openssl_key("ml-dsa", "ml-dsa-44/1"));
      sim.set_keys(model::targets_role(), all, 2);
    } else {
      sim.set_keys(model::targets_role(), all, 2);
      const crypto::PublicKey key = post_quantum_key();
      sim.root.keys.insert_or_assign(key.computed_id(), key);
      sim.root.roles[model::targets_role()].keyids.push_back(key.computed_id());
    }
    sim.root.roles[model::targets_role()].classes = ClassThresholds{stage, std::move(least), {}};
    sim.publish(model::root_role());
  }
  std::string refresh_signed_by(const Keys& keys) {
    client.sim.signers[model::targets_role()] = keys;
    client.sim.release({model::targets_role()});
    return verdict(client.refresh());
  }
};

TEST_F(Hybrid, RequiredClassesAreMetByNothingLess) {  // VER-T, KEY-9
  list(Stage::Require, {{KeyClass::Classical, 2}, {KeyClass::PostQuantum, 1}});
  EXPECT_EQ(refresh_signed_by(classical), "class-threshold-not-met");
  if (all.size() < 3) return;  // such an OpenSSL verifies nothing of that class: it takes nothing either
  EXPECT_EQ(refresh_signed_by({all[0], all[2]}), "class-threshold-not-met") << "one classical key of two";
  EXPECT_EQ(refresh_signed_by(all), "accepted");
}

TEST_F(Hybrid, OnlyRequiredClassesBindAClient) {
  for (const Stage stage : {Stage::Accept, Stage::Prefer}) {
    all = classical;
    list(stage, {{KeyClass::Classical, 2}, {KeyClass::PostQuantum, 1}});
    EXPECT_EQ(refresh_signed_by(classical), "accepted") << model::name_of(stage);
    EXPECT_EQ(refresh_signed_by({classical[0]}), "threshold-not-met") << "the plain threshold always does";
  }
}

TEST_F(Hybrid, ARootObeysTheClassesOfTheOneBeforeAndItsOwn) {  // VER-3
  ASSERT_EQ(verdict(client.refresh()), "accepted");
  sim::RepositorySim& sim = client.sim;
  const Keys before = sim.signers.at(model::root_role());
  Keys both = before;
  both.insert(both.end(), classical.begin(), classical.end());
  sim.set_keys(model::root_role(), classical, 1);
  sim.root.roles[model::root_role()].classes =
      ClassThresholds{Stage::Require, {{KeyClass::Classical, 2}}, {}};
  Keys too_few = before;
  too_few.push_back(classical[0]);
  sim.signers[model::root_role()] = too_few;
  sim.publish(model::root_role());
  EXPECT_EQ(verdict(client.refresh()), "class-threshold-not-met") << "its own";
  sim.signers[model::root_role()] = both;
  sim.publish_again(model::root_role());
  EXPECT_EQ(verdict(client.refresh()), "accepted");
  sim.signers[model::root_role()] = {classical[0]};
  sim.root.roles[model::root_role()].classes.reset();
  sim.publish(model::root_role());
  EXPECT_EQ(verdict(client.refresh()), "class-threshold-not-met") << "of the one before";
}

// What the files say.

json::Value with_classes(const json::Value& classes) {
  return changed(test::root(), {"roles", "root", "x-classes"}, classes);
}
std::string vehicle(const json::Value& document) {
  return verdict(model::Root::decode(document, Profile::Vehicle));
}

TEST(ClassThresholds, ComeBackAsTheyWere) {  // FMT-9
  const json::Value document =
      with_classes(json::Object{{"stage", "prefer"}, {"classical", 2}, {"x-later", "kept"}});
  const model::Root root = model::Root::decode(document, Profile::Vehicle).value();
  const auto& classes = root.roles.at(model::root_role()).classes;
  ASSERT_TRUE(classes);
  EXPECT_EQ(classes->stage, Stage::Prefer);
  EXPECT_EQ(classes->least, (std::map<KeyClass, std::uint32_t>{{KeyClass::Classical, 2}}));
  EXPECT_EQ(root.encode(), document);
}

TEST(ClassThresholds, ThatNobodyCouldMeetOrThatSayNothingPlainAreRefused) {
  EXPECT_EQ(vehicle(with_classes(json::Object{{"stage", "require"}, {"classical", 0}})), "threshold-zero");
  EXPECT_EQ(vehicle(with_classes(json::Object{{"stage", "require"}, {"classical", 3}})),
            "threshold-above-keys");
  EXPECT_EQ(vehicle(with_classes(json::Object{{"stage", "require"}, {"post-quantum", 1}})),
            "threshold-above-keys");
  EXPECT_EQ(vehicle(with_classes(json::Object{{"stage", "demand"}, {"classical", 1}})), "member-wrong-kind");
  EXPECT_EQ(vehicle(with_classes(json::Object{{"classical", 1}})), "member-missing");
  EXPECT_EQ(vehicle(with_classes(json::Array{})), "member-wrong-kind");
}

TEST(ClassThresholds, AreOfTheSchemeThatAKeyListsWhateverThisBuildVerifies) {
  const crypto::PublicKey key = post_quantum_key();
  EXPECT_EQ(crypto::class_of(key.listed_scheme()), KeyClass::PostQuantum);
  EXPECT_EQ(crypto::class_of(sim::key("any")->public_key().listed_scheme()), KeyClass::Classical);
  EXPECT_EQ(crypto::class_of(crypto::Scheme::Unsupported), std::nullopt);
}

}  // namespace
}  // namespace cotter::trust
