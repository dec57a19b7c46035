#include "server/storage/sqlite/director_store.h"

#include <gtest/gtest.h>

#include <string>

#include "server/storage/sqlite/database.h"
#include "tests/unit/server/fleet.h"

namespace cotter::storage {
namespace {

inventory::MetadataSet set_under(std::uint64_t root, std::uint64_t version) {
  inventory::MetadataSet set;
  set.targets_version = set.snapshot_version = set.timestamp_version = Version(version);
  set.root_version = Version(root);
  set.targets = set.snapshot = set.timestamp = Bytes(1, 'x');
  return set;
}

TEST(DirectorStore, TellsVehiclesApartByTheRootOfTheirSetsAndByWhatTheirTargetsSay) {
  host::Db db = open_database(":memory:").value();
  InventoryStore inventory(db);
  for (std::uint8_t number = 1; number <= 4; ++number) {
    const std::string digit = std::to_string(number);
    auto record = test::factory_record("VIN-" + digit, digit, static_cast<std::uint8_t>(number * 10));
    if (number == 4) record.ecus.pop_back();  // the one that verifies partially
    ASSERT_TRUE(inventory.add(record, test::kNoon));
  }
  DirectorStore sets(db);
  ASSERT_TRUE(sets.put(VehicleId("VIN-1"), set_under(1, 1), json::Object()));
  ASSERT_TRUE(sets.put(VehicleId("VIN-1"), set_under(2, 2), json::Object()));
  const auto alike = sets.alike();
  ASSERT_TRUE(alike) << explain(alike.error());
  ASSERT_EQ(alike->size(), 3U);
  EXPECT_EQ(alike->at(0).vehicles, 2U);
  EXPECT_EQ(alike->at(0).example, VehicleId("VIN-2"));
  EXPECT_FALSE(alike->at(0).root_version);
  EXPECT_TRUE(alike->at(0).partial);
  EXPECT_EQ(alike->at(1).example, VehicleId("VIN-1"));
  EXPECT_EQ(alike->at(1).root_version, Version(2)) << "of the newest set";
  EXPECT_EQ(alike->at(2).example, VehicleId("VIN-4"));
  EXPECT_FALSE(alike->at(2).partial);
}

}  // namespace
}  // namespace cotter::storage
