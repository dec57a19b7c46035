#include "server/repository/root_maker.h"

#include <gtest/gtest.h>

#include "common/model/roles.h"
#include "server/repository/publication_transport.h"
#include "server/repository/reader.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::repository {
namespace {

using test::kLifetimes;
using test::kNow;

TEST(RootMaker, MakesARepositoryThatAClientAccepts) {
  const test::ImageKeys keys;
  const auto files = make_image_repository(keys.first(), kLifetimes, kNow);
  ASSERT_TRUE(files) << explain(files.error());
  ASSERT_EQ(files->size(), 4U);
  EXPECT_EQ(files->back().role, model::timestamp_role());  // FMT-105
  EXPECT_FALSE(files->back().version);                     // FMT-100
  PublicationTransport transport(*files, nullptr);
  const auto set = read_as_client(transport, kNow);
  ASSERT_TRUE(set);
  const model::Root& root = *set->root();
  EXPECT_TRUE(root.consistent_snapshot);  // FMT-103
  EXPECT_EQ(root.expires, kNow + kLifetimes.root);
  EXPECT_EQ(root.roles.at(model::root_role()).threshold, 2U);
  EXPECT_EQ(root.roles.at(model::targets_role()).keyids.size(), 3U);
  for (const auto& [id, key] : root.keys) EXPECT_EQ(id, key.computed_id());  // FMT-21
  EXPECT_TRUE((*set->targets())->targets.empty());
}

TEST(RootMaker, MakesADirectorRootSignedByTheRootHoldersAlone) {
  const test::ImageKeys keys;
  const auto file = make_director_root(keys.first(), kLifetimes.root, kNow);
  ASSERT_TRUE(file);
  trust::Policy policy;
  policy.repository = Repository::Director;
  const auto set = trust::TrustedSet::anchored_at(file->wire, kNow, policy);
  ASSERT_TRUE(set) << explain(set.error());
  EXPECT_EQ(set->root()->roles.size(), 4U);
}

TEST(RootMaker, RefusesAThresholdThatTheKeysCannotMeet) {  // FMT-30
  const test::ImageKeys keys;
  FirstKeys first = keys.first();
  first.targets.threshold = 4;
  const auto files = make_image_repository(first, kLifetimes, kNow);
  ASSERT_FALSE(files);
  EXPECT_EQ(rejection_in(files.error())->rule, RuleId::ThresholdAboveKeys);
}

TEST(RootMaker, RefusesToCountOneKeyTwice) {  // FMT-22
  const test::ImageKeys keys;
  FirstKeys first = keys.first();
  first.root.signers = {keys.root[0].get(), keys.root[0].get()};
  EXPECT_FALSE(make_image_repository(first, kLifetimes, kNow));
}

}  // namespace
}  // namespace cotter::repository
