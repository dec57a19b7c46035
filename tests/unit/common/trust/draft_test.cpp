#include "common/trust/draft.h"

#include <gtest/gtest.h>

#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using test::verdict;

model::Root root_of(const sim::Keys& holders, std::uint32_t threshold, std::uint64_t version) {
  sim::RepositorySim repository("image", test::kExpires);
  repository.set_keys(model::root_role(), holders, threshold);
  repository.root.version = Version(version);
  return repository.root;
}

TEST(Draft, SealsWhatItsOwnThresholdSigned) {
  const sim::Keys holders = sim::keys("holder", 3);
  Draft<model::Root> draft(root_of(holders, 2, 1));
  ASSERT_TRUE(draft.sign(*holders[0]));
  EXPECT_EQ(verdict(draft.seal_anchor()), "root-self-threshold-not-met");
  ASSERT_TRUE(draft.sign(*holders[2]));
  EXPECT_EQ(verdict(draft.seal_anchor()), "accepted");
}

TEST(Draft, SecondSignatureByOneKeyReplacesTheFirst) {
  const sim::Keys holders = sim::keys("holder", 2);
  Draft<model::Root> draft(root_of(holders, 2, 1));
  draft.attach({holders[0]->public_key().computed_id(), Bytes(64, 0)});
  ASSERT_TRUE(draft.sign(*holders[0]));
  ASSERT_TRUE(draft.sign(*holders[1]));
  ASSERT_TRUE(draft.sign(*holders[1]));
  EXPECT_EQ(verdict(draft.seal_anchor()), "accepted");
}

TEST(Draft, SuccessorNeedsBothThresholds) {  // IMG-18, VER-3
  const sim::Keys old_holders = sim::keys("old", 2), new_holders = sim::keys("new", 2);
  Draft<model::Root> first(root_of(old_holders, 2, 1));
  for (const auto& holder : old_holders) ASSERT_TRUE(first.sign(*holder));
  const auto trusted = first.seal_anchor();
  ASSERT_TRUE(trusted);
  Draft<model::Root> next(root_of(new_holders, 2, 2));
  for (const auto& holder : new_holders) ASSERT_TRUE(next.sign(*holder));
  EXPECT_EQ(verdict(next.seal_successor(*trusted)), "threshold-not-met");
  ASSERT_TRUE(next.sign(*old_holders[0]));
  EXPECT_EQ(verdict(next.seal_successor(*trusted)), "threshold-not-met");
  ASSERT_TRUE(next.sign(*old_holders[1]));
  EXPECT_EQ(verdict(next.seal_successor(*trusted)), "accepted");
}

TEST(Draft, SealsOtherRolesUnderTheirAuthority) {
  sim::RepositorySim repository("image", test::kExpires);
  const auto root = Unverified<model::Root>::parse(repository.file_of(model::root_role()), Profile::Vehicle)
                        .value()
                        .verify_anchor();
  ASSERT_TRUE(root);
  Draft<model::Snapshot> draft(repository.snapshot);
  const Authority authority = Authority::of_root(*root, model::snapshot_role());
  EXPECT_EQ(verdict(draft.seal(authority)), "threshold-not-met");
  ASSERT_TRUE(draft.sign(*repository.signers[model::snapshot_role()].front()));
  const auto sealed = draft.seal(authority);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(Bytes(sealed->wire().begin(), sealed->wire().end()), draft.wire());
}

}  // namespace
}  // namespace cotter::trust
