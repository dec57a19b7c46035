#include "server/storage/sqlite/version_journal.h"

#include <gtest/gtest.h>

#include "server/storage/sqlite/database.h"
#include "tests/sim/temp_dir.h"

namespace cotter::storage {
namespace {

const Series kImages{Repository::Image, std::nullopt};
const RoleName kTargets("targets");
const RoleName kSnapshot("snapshot");

class Journal : public testing::Test {
 protected:
  [[nodiscard]] host::Db open() const { return *open_database(temp_.path() / "cotter.db"); }
  sim::TempDir temp_;
};

TEST_F(Journal, GivesEachNumberOnce) {  // FMT-3
  host::Db db = open();
  VersionJournal journal(db);
  const std::vector<NextOf> both{{kSnapshot, Version(4)}, {kTargets, Version(9)}};
  EXPECT_EQ(*journal.reserve(kImages, both), (std::vector<Version>{Version(5), Version(10)}));
  EXPECT_EQ(*journal.reserve(kImages, both), (std::vector<Version>{Version(6), Version(11)}));
  host::Db other = open();  // another process, later
  EXPECT_EQ(*VersionJournal(other).reserve(kImages, both), (std::vector<Version>{Version(7), Version(12)}));
}

TEST_F(Journal, FollowsWhatIsPublishedWhereThatIsHigher) {
  host::Db db = open();
  VersionJournal journal(db);
  ASSERT_TRUE(journal.reserve(kImages, {{kTargets, Version(0)}}));
  EXPECT_EQ(journal.reserve(kImages, {{kTargets, Version(41)}})->front(), Version(42));
}

TEST_F(Journal, CountsEachVehicleAndRepositoryForItself) {  // DIR-2
  host::Db db = open();
  VersionJournal journal(db);
  const Series one{Repository::Director, VehicleId("VIN-1")};
  const Series two{Repository::Director, VehicleId("VIN-2")};
  EXPECT_EQ(journal.reserve(one, {{kTargets, Version(0)}})->front(), Version(1));
  EXPECT_EQ(journal.reserve(one, {{kTargets, Version(0)}})->front(), Version(2));
  EXPECT_EQ(journal.reserve(two, {{kTargets, Version(0)}})->front(), Version(1));
  EXPECT_EQ(journal.reserve(kImages, {{kTargets, Version(0)}})->front(), Version(1));
}

TEST_F(Journal, LetsTheSameBytesBeSignedAgainAndNoOthers) {
  host::Db db = open();
  VersionJournal journal(db);
  const Bytes draft = to_bytes("draft");
  const Bytes other = to_bytes("other");
  ASSERT_TRUE(journal.note(kImages, kTargets, Version(3), draft));
  EXPECT_TRUE(journal.note(kImages, kTargets, Version(3), draft));
  EXPECT_TRUE(*journal.stands_for(kImages, kTargets, Version(3), draft));
  EXPECT_FALSE(*journal.stands_for(kImages, kTargets, Version(3), other));
  const auto conflict = journal.note(kImages, kTargets, Version(3), other);
  ASSERT_FALSE(conflict);
  EXPECT_TRUE(is_fault(conflict.error(), Fault::Kind::Conflict));
}

TEST_F(Journal, NeverGoesBackToALowerNumber) {
  host::Db db = open();
  VersionJournal journal(db);
  const Bytes draft = to_bytes("draft");
  ASSERT_TRUE(journal.note(kImages, kTargets, Version(3), draft));
  ASSERT_TRUE(journal.note(kImages, kTargets, Version(4), to_bytes("next")));
  EXPECT_FALSE(journal.note(kImages, kTargets, Version(3), draft));
  EXPECT_EQ(*journal.highest(kImages, kTargets), Version(4));
  EXPECT_EQ(*journal.highest(kImages, kSnapshot), std::nullopt);
}

TEST_F(Journal, KeepsTheHighestTimestampThatClientsCouldFetch) {
  host::Db db = open();
  VersionJournal journal(db);
  const RoleName timestamp("timestamp");
  EXPECT_EQ(*journal.shown(kImages), Version(0));
  ASSERT_TRUE(journal.note_shown(kImages, Version(3)));
  ASSERT_TRUE(journal.note_shown(kImages, Version(2)));
  EXPECT_EQ(*journal.shown(kImages), Version(3));
  EXPECT_EQ(journal.reserve(kImages, {{timestamp, Version(3)}})->front(), Version(4));
  EXPECT_EQ(*journal.shown(kImages), Version(3)) << "what is spent need not have been shown";
  ASSERT_TRUE(journal.note_shown(kImages, Version(4)));
  EXPECT_EQ(*journal.highest(kImages, timestamp), Version(4));
}

TEST_F(Journal, ReservesWithinTheCallersTransaction) {
  host::Db db = open();
  VersionJournal journal(db);
  {
    auto transaction = Transaction::begin(db);
    ASSERT_TRUE(journal.reserve(kImages, {{kTargets, Version(0)}}));
  }
  EXPECT_EQ(*journal.highest(kImages, kTargets), std::nullopt);
}

}  // namespace
}  // namespace cotter::storage
