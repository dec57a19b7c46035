// The power goes at every single change that an update makes to a disk, and every time the worst is made of
// what was not synced.
#include <gtest/gtest.h>

#include <set>

#include "client/install/floor_records.h"
#include "tests/sim/memory_vehicle.h"

namespace cotter::sim {
namespace {

using client::Slots;
using client::Verification;

constexpr const char* kGateway = MemoryVehicle::kPrimary;
constexpr const char* kFull = "ADAS";
constexpr const char* kSingle = "BRAKE";

/// A vehicle that runs release 1 and has release 2 waiting.
class PowerLoss : public ::testing::Test {
 protected:
  PowerLoss() {
    vehicle.add_ecu(kGateway, Verification::Full, Slots::Two);
    vehicle.add_ecu(kFull, Verification::Full, Slots::Two);
    vehicle.add_ecu(kSingle, Verification::Partial, Slots::One);
  }

  /// Fails unless the vehicle, coming back, is whole, and its next cycle brings it to `release`.
  void expect_recovers(Garage garage, std::uint64_t release, const std::string& when) {
    for (const std::string& complaint : vehicle.complaints(garage))
      ADD_FAILURE() << when << ": " << complaint;
    const auto outcome = vehicle.cycle(garage);
    ASSERT_TRUE(outcome) << when << ": " << summary(outcome.error());
    EXPECT_FALSE(outcome->stopped) << when << ": " << summary(*outcome->stopped);
    EXPECT_FALSE(outcome->unreported) << when << ": " << summary(*outcome->unreported);
    for (const EcuOrder& order : vehicle.ecus()) {
      const std::string& serial = order.identity.serial.value();
      EXPECT_EQ(vehicle.boots(garage, serial), release) << when << ": " << serial;
    }
    for (const std::string& complaint : vehicle.complaints(garage)) {
      ADD_FAILURE() << when << ", after the next cycle: " << complaint;
    }
  }

  /// Each way in which the disks may look after the cut; what was seen after an earlier cut, and nothing said
  /// since, comes to the same.
  void expect_recovers_however_torn(const Garage& cut, const std::string& victim, std::uint64_t release,
                                    const std::string& when) {
    for (const Torn torn : kEveryTorn) {
      for (const bool whole_vehicle : {false, true}) {
        if (whole_vehicle && torn != Torn::Nothing) continue;
        Garage garage = cut;
        for (auto& [serial, disk] : garage.disks) {
          disk.restart(whole_vehicle || serial == victim ? torn : Torn::Everything);
        }
        const Bytes looks = garage.fingerprint();
        if (!seen.insert(looks).second || looks.front() % parts != part) continue;
        ++tried;
        const char* who = whole_vehicle ? ", whole vehicle" : "";
        expect_recovers(std::move(garage), release, when + ": " + name_of(torn) + who);
      }
    }
  }

  /// Runs the cycle that brings `release`, cut at each change of this ECU's disk in turn.
  template <class Check>
  void cut_everywhere(Garage before, const std::string& victim, std::uint64_t release, Check check) {
    ASSERT_TRUE(vehicle.complaints(before).empty());  // and what is there now must not go back
    for (std::uint64_t changes = 0;; ++changes) {
      Garage garage = before;
      garage.disks.at(victim).cut_power_after(changes);
      static_cast<void>(vehicle.cycle(garage));
      if (!garage.disks.at(victim).dead()) break;
      ++cuts;
      const std::string when = victim + " cut after change " + std::to_string(changes);
      check(garage, when);
      expect_recovers_however_torn(garage, victim, release, when);
      if (HasFailure()) return;  // one report is enough to read
    }
  }
  void cut_everywhere(Garage before, const std::string& victim, std::uint64_t release) {
    cut_everywhere(std::move(before), victim, release, [](Garage&, const std::string&) {});
  }

  void TearDown() override {
    RecordProperty("cut_points", std::to_string(cuts));
    RecordProperty("states_after", std::to_string(tried));
    std::printf("%d cut points, %d states after them\n", cuts, tried);
  }

  MemoryVehicle vehicle;
  std::set<Bytes> seen;
  int parts = 1;  ///< of the states, by their looks: tests that run beside each other share the work
  int part = 0;
  int cuts = 0;
  int tried = 0;
};

std::string part_name(const ::testing::TestParamInfo<int>& part) { return std::to_string(part.param); }

class PowerLossOfThePrimary : public PowerLoss, public ::testing::WithParamInterface<int> {
 protected:
  static constexpr int kParts = 2;
};

// From the factory: the first start of every ECU is in it. ATK-49, VER-ATOM, INS-7, PRI-31
TEST_P(PowerLossOfThePrimary, AtAnyChangeOfItsFirstUpdate) {
  vehicle.release(2);
  parts = kParts;
  part = GetParam();
  cut_everywhere(vehicle.provisioned(), kGateway, 2);
  EXPECT_GT(cuts, 150);
}
INSTANTIATE_TEST_SUITE_P(Part, PowerLossOfThePrimary, ::testing::Range(0, 2), part_name);

// ATK-49, VER-ATOM, INS-7, PRI-31
TEST_F(PowerLoss, OfASecondaryWithTwoSlotsAtAnyChangeOfItsFirstUpdate) {
  vehicle.release(2);
  cut_everywhere(vehicle.provisioned(), kFull, 2);
  EXPECT_GT(cuts, 20);
}

// ATK-49, INS-7, GAP-35
TEST_F(PowerLoss, OfASecondaryWithOneSlotAtAnyChangeOfItsFirstUpdate) {
  vehicle.release(2);
  cut_everywhere(vehicle.provisioned(), kSingle, 2);
  EXPECT_GT(cuts, 20);
}

// --- several roots to follow ------------------------------------------------------------------------------

/// Makes the next `count` roots, each with another timestamp key.
void rotate(RepositorySim& repository, int count) {
  for (int i = 0; i < count; ++i) {
    repository.rotate(model::timestamp_role());
    repository.publish(model::root_role());
  }
}

std::uint64_t newest_root_asked(const RepositorySim& repository) {
  std::uint64_t newest = 0;
  for (const std::string& path : repository.requests()) {
    if (path.ends_with(".root.json")) newest = std::max<std::uint64_t>(newest, std::stoull(path));
  }
  return newest;
}

trust::Policy policy_of(Repository repository) {
  trust::Policy policy;
  policy.repository = repository;
  return policy;
}

std::uint64_t stored_root(MemoryDisk& disk, Repository repository) {
  client::FloorFiles floors(disk, "ecu/floors");
  const auto store = client::PrimaryStore::open(disk, "ecu/primary/primary.db", floors);
  const auto root = store ? store->load(repository, model::root_role()) : fail(store.error());
  if (!root || !*root) return 0;
  const auto anchored = trust::TrustedSet::anchored_at(**root, UtcTime(), policy_of(repository));
  return anchored ? anchored->root()->version.value() : 0;
}

/// A vehicle that has run, and then slept through three roots of each repository.
class PowerLossOnTheRootChain : public PowerLoss {
 protected:
  Garage after_a_long_sleep() {
    Garage garage = vehicle.provisioned();
    const auto idle = vehicle.cycle(garage);
    EXPECT_TRUE(idle && !idle->stopped && idle->ecus.empty());
    for (auto& [serial, disk] : garage.disks) disk.restart(Torn::Everything);
    rotate(vehicle.repositories().director, 3);
    rotate(vehicle.repositories().image, 3);
    vehicle.release(2);
    return garage;
  }
};

class PowerLossOfThePrimaryOnTheRootChain : public PowerLossOnTheRootChain,
                                            public ::testing::WithParamInterface<int> {
 protected:
  static constexpr int kParts = 2;
};

// VER-6: the next root is asked for only once the one before it would survive.
TEST_P(PowerLossOfThePrimaryOnTheRootChain, LosesNoRootThatItHasFollowed) {
  const Garage before = after_a_long_sleep();
  parts = kParts;
  part = GetParam();
  cut_everywhere(before, kGateway, 2, [&](Garage& cut, const std::string& when) {
    MemoryDisk disk = cut.disks.at(kGateway);
    disk.restart(Torn::Nothing);
    const auto& repositories = vehicle.repositories();
    EXPECT_GE(stored_root(disk, Repository::Director) + 1, newest_root_asked(repositories.director)) << when;
    EXPECT_GE(stored_root(disk, Repository::Image) + 1, newest_root_asked(repositories.image)) << when;
  });
}

INSTANTIATE_TEST_SUITE_P(Part, PowerLossOfThePrimaryOnTheRootChain, ::testing::Range(0, 2), part_name);

TEST_F(PowerLossOnTheRootChain, OfASecondaryWithTwoSlotsIsMadeUpFor) {
  cut_everywhere(after_a_long_sleep(), kFull, 2);
  EXPECT_GT(cuts, 20);
}

TEST_F(PowerLossOnTheRootChain, OfASecondaryWithOneSlotIsMadeUpFor) {
  cut_everywhere(after_a_long_sleep(), kSingle, 2);
  EXPECT_GT(cuts, 20);
}

// --- what all that costs ----------------------------------------------------------------------------------

// G8, G9; docs/performance.md has the counts of the real program.
TEST(SyncsOfAPrimary, AreNoneForAPollWithNothingNewAndFewForAFirstCycle) {
  MemoryVehicle vehicle;
  vehicle.add_ecu(kGateway, Verification::Full, Slots::Two);
  vehicle.release(2);
  Garage garage = vehicle.provisioned();
  ASSERT_TRUE(vehicle.run(garage, 0));  // its stores are made, as provisioning makes them
  const std::uint64_t before = garage.disks.at(kGateway).syncs();
  ASSERT_TRUE(vehicle.cycle(garage));
  ASSERT_EQ(vehicle.boots(garage, kGateway), 2U);
  const std::uint64_t first = garage.disks.at(kGateway).syncs() - before;
  std::printf("a first cycle costs %d syncs\n", static_cast<int>(first));
  EXPECT_LE(first, 39U);
  const auto polled = vehicle.run(garage, 3);
  ASSERT_TRUE(polled);
  EXPECT_FALSE(polled->outcome.stopped);
  EXPECT_EQ(polled->syncs, 0U);
}

}  // namespace
}  // namespace cotter::sim
