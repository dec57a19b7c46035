#include "client/secondary/packed_metadata.h"

#include <gtest/gtest.h>

#include "tests/sim/ecu_sim.h"

namespace cotter::client {
namespace {

const RoleName kRoot("root");
const RoleName kTimestamp("timestamp");

TEST(PackedMetadata, KeepsRepositoriesApart) {
  sim::Flash flash;
  PackedMetadata store(flash);
  const std::vector<trust::Effect> effects{trust::Store{kRoot, Version(1), to_bytes("director's")}};
  ASSERT_TRUE(store.commit(Repository::Director, effects));
  EXPECT_EQ(**store.load(Repository::Director, kRoot), to_bytes("director's"));
  EXPECT_FALSE(*store.load(Repository::Image, kRoot));
}

// VER-8, VER-ATOM: a new root and what it makes obsolete are one step, at whichever write the power goes.
TEST(PackedMetadata, KeepsABatchWholeOrNotAtAll) {
  for (int changes = 0; changes < 3; ++changes) {
    sim::Flash flash;
    PackedMetadata store(flash);
    ASSERT_TRUE(store.commit(Repository::Image, std::vector<trust::Effect>{
                                                    trust::Store{kRoot, Version(1), to_bytes("root 1")},
                                                    trust::Store{kTimestamp, Version(9), to_bytes("old")}}));
    flash.cut_power_after(changes);
    const bool kept =
        store
            .commit(Repository::Image,
                    std::vector<trust::Effect>{trust::Store{kRoot, Version(2), to_bytes("root 2")},
                                               trust::Forget{kTimestamp}})
            .has_value();
    flash.restore_power();
    EXPECT_EQ(**store.load(Repository::Image, kRoot), to_bytes(kept ? "root 2" : "root 1"));
    EXPECT_EQ(store.load(Repository::Image, kTimestamp)->has_value(), !kept);
  }
}

TEST(PackedMetadata, TakesADamagedRecordForAnEmptyOne) {
  sim::Flash flash;
  PackedMetadata store(flash);
  flash.records["image"] = to_bytes("no such thing");
  EXPECT_FALSE(*store.load(Repository::Image, kRoot));
  ASSERT_TRUE(store.commit(Repository::Image,
                           std::vector<trust::Effect>{trust::Store{kRoot, Version(1), to_bytes("r")}}));
  EXPECT_TRUE(*store.load(Repository::Image, kRoot));
}

}  // namespace
}  // namespace cotter::client
