#include "server/ceremony/signing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/trust/draft.h"
#include "server/ceremony/key_change.h"
#include "tests/sim/sim_key.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/ceremony/holding.h"

namespace cotter::ceremony {
namespace {

using test::holding;
using test::verdict;

constexpr UtcTime kEnd{std::chrono::seconds(2'000'000'000)};

template <class T>
std::string file_of(const T& content, const sim::Keys& keys) {
  trust::Draft<T> draft(content);
  for (const auto& key : keys) EXPECT_TRUE(draft.sign(*key));
  return std::string(as_text(draft.wire()));
}

struct Bundles : testing::Test {
  sim::Keys roots = sim::keys("root", 3);
  sim::Keys targets = sim::keys("targets", 2);
  model::Root first = make_first();
  std::string first_file = file_of(first, sim::pick(roots, {0, 1}));

  [[nodiscard]] model::Root make_first() const {
    model::Root root;
    root.version = Version(1);
    root.expires = kEnd;
    const auto list = [&](const RoleName& name, const sim::Keys& keys, std::uint32_t threshold) {
      for (const auto& key : keys) {
        root.keys.insert_or_assign(key->public_key().computed_id(), key->public_key());
        root.roles[name].keyids.push_back(key->public_key().computed_id());
      }
      root.roles[name].threshold = threshold;
    };
    list(model::root_role(), roots, 2);
    list(model::targets_role(), targets, 2);
    list(model::snapshot_role(), sim::keys("snapshot", 1), 1);
    list(model::timestamp_role(), sim::keys("timestamp", 1), 1);
    return root;
  }

  /// root-1 goes, root-4 comes.
  [[nodiscard]] OfflineBundle next_root_bundle() const {
    const KeyChange change{{{model::root_role(), sim::key("root-4")->public_key()}},
                           {{model::root_role(), roots[0]->public_key().computed_id()}},
                           {}};
    OfflineBundle bundle;
    bundle.role = model::root_role();
    bundle.version = Version(2);
    bundle.threshold = 2;
    bundle.roots = {first_file};
    bundle.signed_part = next_root(first, change, kEnd).value().encode();
    return bundle;
  }

  [[nodiscard]] OfflineBundle targets_bundle() const {
    model::Targets before;
    before.version = Version(6);
    before.expires = kEnd;
    model::Targets next = before;
    next.version = Version(9);
    OfflineBundle bundle;
    bundle.role = model::targets_role();
    bundle.version = Version(9);
    bundle.threshold = 2;
    bundle.roots = {first_file};
    bundle.base = file_of(before, targets);
    bundle.signed_part = next.encode();
    return bundle;
  }
  [[nodiscard]] ByteView trusted() const { return as_bytes(first_file); }
};

TEST_F(Bundles, OfARootNeedTheOldQuorumAndTheNew) {  // VER-3
  OfflineBundle bundle = next_root_bundle();
  ASSERT_EQ(sign(bundle, trusted(), holding(sim::pick(roots, {0, 1}))).value(), 2U);
  Standing standing = look_at(bundle, trusted()).value();
  ASSERT_EQ(standing.quorums.size(), 2U);
  EXPECT_TRUE(standing.quorums[0].reached());
  EXPECT_FALSE(standing.quorums[1].reached()) << "the first key is not one of the next root";
  EXPECT_FALSE(standing.complete());
  ASSERT_TRUE(sign(bundle, trusted(), holding({sim::key("root-4")})));
  EXPECT_TRUE(look_at(bundle, trusted()).value().complete());
}

TEST_F(Bundles, OfTargetsNeedTheirThreshold) {
  OfflineBundle bundle = targets_bundle();
  ASSERT_TRUE(sign(bundle, trusted(), holding(sim::pick(targets, {0}))));
  EXPECT_FALSE(look_at(bundle, trusted()).value().complete());
  ASSERT_TRUE(sign(bundle, trusted(), holding(sim::pick(targets, {0}))))
      << "once more is no second signature";
  EXPECT_EQ(bundle.signatures.size(), 1U);
  ASSERT_TRUE(sign(bundle, trusted(), holding(sim::pick(targets, {1}))));
  EXPECT_TRUE(look_at(bundle, trusted()).value().complete());
}

TEST_F(Bundles, NeedEachClassOfKeysFromTheStagePreferOn) {
  using Stage = model::ClassThresholds::Stage;
  for (const Stage stage : {Stage::Accept, Stage::Prefer, Stage::Require}) {
    OfflineBundle bundle = next_root_bundle();
    model::Root next = model::Root::decode(bundle.signed_part, model::Profile::Vehicle).value();
    next.roles.at(model::root_role()).classes = {stage, {{crypto::KeyClass::Classical, 3}}, {}};
    bundle.signed_part = next.encode();
    ASSERT_TRUE(sign(bundle, trusted(), holding(sim::pick(roots, {0, 1, 2}))));
    Standing standing = look_at(bundle, trusted()).value();
    EXPECT_EQ(standing.complete(), stage == Stage::Accept) << "two of the next root's three have signed";
    EXPECT_EQ(standing.quorums[1].lacking.value_or("nothing"),
              stage == Stage::Accept ? "nothing" : "3 keys of class classical, signed by 2");
    EXPECT_EQ(standing.changes.back(), "root: keys of each class that must sign: 3 classical, " +
                                           std::string(model::name_of(stage)) + "; before: none");
    ASSERT_TRUE(sign(bundle, trusted(), holding({sim::key("root-4")})));
    EXPECT_TRUE(look_at(bundle, trusted()).value().complete());
  }
}

TEST_F(Bundles, AreSignedByNobodyElse) {
  OfflineBundle bundle = targets_bundle();
  const auto stranger = sign(bundle, trusted(), holding(sim::keys("root", 1)));
  ASSERT_FALSE(stranger);
  EXPECT_TRUE(is_fault(stranger.error(), Fault::Kind::Denied));
  EXPECT_TRUE(bundle.signatures.empty());
}

// Somebody could write a root of his own into the bundle, one that lists our keys and makes the change look
// small.
TEST_F(Bundles, FromAnotherRootThanTheTrustedOneAreRefused) {
  OfflineBundle bundle = next_root_bundle();
  model::Root forged = first;
  forged.roles.at(model::root_role()) = {{sim::key("thief")->public_key().computed_id()}, 1};
  forged.keys.insert_or_assign(sim::key("thief")->public_key().computed_id(),
                               sim::key("thief")->public_key());
  bundle.roots = {file_of(forged, {sim::key("thief")})};
  const auto refused = look_at(bundle, trusted());
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
}

TEST_F(Bundles, WhoseRootsDoNotFollowFromTheTrustedOneAreRefused) {
  OfflineBundle bundle = next_root_bundle();
  model::Root second = next_root(first, {}, kEnd).value();
  bundle.version = Version(3);
  bundle.signed_part = next_root(second, {}, kEnd).value().encode();
  bundle.roots = {first_file, file_of(second, sim::pick(roots, {0}))};
  EXPECT_EQ(verdict(look_at(bundle, trusted())), "threshold-not-met");
  bundle.roots[1] = file_of(second, sim::pick(roots, {0, 2}));
  EXPECT_EQ(verdict(look_at(bundle, trusted())), "accepted");
}

// The holder was away for a while: his root is older than the one whose keys sign.
TEST_F(Bundles, MeasureTheQuorumByTheLastOfTheirRoots) {
  const KeyChange out{{}, {{model::root_role(), roots[0]->public_key().computed_id()}}, {}};
  const model::Root second = next_root(first, out, kEnd).value();
  OfflineBundle bundle = next_root_bundle();
  bundle.version = Version(3);
  bundle.signed_part = next_root(second, {}, kEnd).value().encode();
  bundle.roots = {first_file, file_of(second, sim::pick(roots, {1, 2}))};
  EXPECT_FALSE(sign(bundle, trusted(), holding(sim::pick(roots, {0})))) << "that key was taken out";
  EXPECT_TRUE(sign(bundle, trusted(), holding(sim::pick(roots, {1}))));
}

TEST_F(Bundles, ThatDoNotFollowTheirBaseAreRefused) {
  OfflineBundle skips = next_root_bundle();
  model::Root third = next_root(first, {}, kEnd).value();
  third.version = Version(3);
  skips.version = Version(3);
  skips.signed_part = third.encode();
  EXPECT_TRUE(is_fault(look_at(skips, trusted()).error(), Fault::Kind::Conflict));

  OfflineBundle back = targets_bundle();
  model::Targets older;
  older.version = Version(6);
  older.expires = kEnd;
  back.version = Version(6);
  back.signed_part = older.encode();
  EXPECT_TRUE(is_fault(look_at(back, trusted()).error(), Fault::Kind::Conflict));

  OfflineBundle unsigned_base = targets_bundle();
  model::Targets empty;
  empty.version = Version(6);
  unsigned_base.base = file_of(empty, {sim::key("thief")});
  EXPECT_EQ(verdict(look_at(unsigned_base, trusted())), "threshold-not-met");
}

TEST_F(Bundles, WhoseNameLiesAboutTheirVersionAreRefused) {
  OfflineBundle bundle = targets_bundle();
  bundle.version = Version(7);
  EXPECT_TRUE(is_fault(look_at(bundle, trusted()).error(), Fault::Kind::Conflict));
  OfflineBundle of_root = next_root_bundle();
  of_root.version = Version(7);
  EXPECT_TRUE(is_fault(look_at(of_root, trusted()).error(), Fault::Kind::Conflict));
}

TEST_F(Bundles, ThatSayNotWhatTheyFollowAreNotSigned) {
  OfflineBundle bundle = targets_bundle();
  bundle.base.clear();
  EXPECT_TRUE(is_fault(look_at(bundle, trusted()).error(), Fault::Kind::Usage));
  OfflineBundle of_delegation = targets_bundle();
  of_delegation.role = RoleName("brakes");
  EXPECT_TRUE(is_fault(look_at(of_delegation, trusted()).error(), Fault::Kind::Usage));
}

TEST_F(Bundles, OfOneCeremonyMerge) {
  OfflineBundle one = next_root_bundle();
  OfflineBundle other = next_root_bundle();
  ASSERT_TRUE(sign(one, trusted(), holding(sim::pick(roots, {1}))));
  ASSERT_TRUE(sign(other, trusted(), holding(sim::pick(roots, {2}))));
  ASSERT_TRUE(merge(one, other));
  EXPECT_TRUE(look_at(one, trusted()).value().complete());
}

// A stick may spoil a copy, and somebody may spoil it on purpose.
TEST_F(Bundles, LoseNoGoodSignatureToASpoiltOneInWhicheverOrderTheyMerge) {  // IMG-18
  OfflineBundle good = next_root_bundle();
  ASSERT_TRUE(sign(good, trusted(), holding(sim::pick(roots, {1, 2}))));
  OfflineBundle spoilt = good;
  for (crypto::Signature& signature : spoilt.signatures) signature.bytes.front() ^= 1U;
  for (const bool spoilt_last : {true, false}) {
    OfflineBundle bundle = next_root_bundle();
    ASSERT_TRUE(merge(bundle, spoilt_last ? good : spoilt));
    ASSERT_TRUE(merge(bundle, spoilt_last ? spoilt : good));
    const auto standing = keep_what_counts(bundle, trusted());
    ASSERT_TRUE(standing) << explain(standing.error());
    EXPECT_TRUE(standing->complete()) << "spoilt last: " << spoilt_last;
    ASSERT_EQ(bundle.signatures.size(), 2U);
    for (const crypto::Signature& left : bundle.signatures) {
      EXPECT_TRUE(
          std::ranges::any_of(good.signatures, [&](const auto& each) { return each.bytes == left.bytes; }))
          << "spoilt last: " << spoilt_last;
    }
  }
}

TEST_F(Bundles, OfAnotherContentOrBaseDoNotMerge) {
  OfflineBundle one = next_root_bundle();
  OfflineBundle other = next_root_bundle();
  other.signed_part = next_root(first, {}, kEnd).value().encode();
  EXPECT_TRUE(is_fault(merge(one, other).error(), Fault::Kind::Conflict));
  other = next_root_bundle();
  other.roots = {file_of(first, roots)};
  EXPECT_TRUE(is_fault(merge(one, other).error(), Fault::Kind::Conflict));
  OfflineBundle targets_one = targets_bundle();
  OfflineBundle targets_other = targets_bundle();
  targets_other.base = first_file;
  EXPECT_TRUE(is_fault(merge(targets_one, targets_other).error(), Fault::Kind::Conflict));
}

TEST_F(Bundles, AreReadAloudInFourGroups) {
  const std::string hash = next_root_bundle().read_aloud();
  EXPECT_EQ(hash.size(), 19U);
  EXPECT_EQ(hash.substr(0, 4), next_root_bundle().sha256().substr(0, 4));
  EXPECT_NE(hash, targets_bundle().read_aloud());
}

}  // namespace
}  // namespace cotter::ceremony
