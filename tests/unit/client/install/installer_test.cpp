// Both installers over a flash in memory. INS-3 to INS-7, ATK-23, ATK-31, ATK-48, ATK-49, GAP-35, PRI-31.
#include <gtest/gtest.h>

#include "tests/sim/vehicle_sim.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::client {
namespace {

using sim::EcuOrder;
using sim::EcuSim;
using sim::MemoryImage;
using sim::VehicleSim;
using test::verdict;

const std::string kNewImage = std::string(200'000, 'n') + " the new image";

/// An ECU, and an image that its primary may give it.
struct InstallBench {
  explicit InstallBench(Slots slots)
      : vehicle("VIN1"), order(vehicle.order("ecu1", Verification::Full, slots)), ecu(order, vehicle.now) {
    offer(kNewImage, 2);
  }
  void offer(const std::string& content, std::uint64_t counter) {
    vehicle.release(order, TargetName("team/ecu1/new.bin"), content, counter);
    const auto found = vehicle.assignment(order);
    ASSERT_TRUE(found) << summary(found.error());
    assignment.emplace(*found);
  }
  Installer& installer() { return ecu.installer(); }
  Permit permit() { return Permit(*assignment); }
  /// The whole transfer, from where it stands.
  Result<InstallOutcome> transfer(std::string_view content) {
    const std::uint64_t from = TRY(installer().begin(permit()));
    return go_on(content, from);
  }
  Result<InstallOutcome> go_on(std::string_view content, std::uint64_t from) {
    for (std::uint64_t at = from; at < content.size(); at += 64'000) {
      TRY(installer().write(at, as_bytes(content.substr(at, 64'000))));
    }
    return installer().finish();
  }
  ReleaseCounter floor() { return *installer().floor(); }

  VehicleSim vehicle;
  EcuOrder order;
  EcuSim ecu;
  std::optional<trust::Assignment> assignment;
};

// --- two slots --------------------------------------------------------------------------------------------

TEST(AbSlot, StagesWithoutTouchingWhatRuns) {  // INS-3
  InstallBench bench(Slots::Two);
  ASSERT_TRUE(bench.transfer(kNewImage));
  EXPECT_EQ(bench.ecu.flash.running(), bench.order.image);
  EXPECT_TRUE(*bench.installer().staged());
  EXPECT_EQ(bench.floor(), ReleaseCounter(1));
}

TEST(AbSlot, ActivatesConfirmsAndRaisesTheFloor) {  // INS-5, INS-7
  InstallBench bench(Slots::Two);
  ASSERT_TRUE(bench.transfer(kNewImage));
  const auto outcome = bench.installer().activate();
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_EQ(outcome->code, "installed");
  EXPECT_EQ(bench.ecu.flash.running(), kNewImage);
  EXPECT_EQ(bench.floor(), ReleaseCounter(2));
  const Running running = *bench.installer().running();
  EXPECT_EQ(running.image.name.value(), "team/ecu1/new.bin");
  EXPECT_TRUE(running.sound);
  EXPECT_FALSE(*bench.installer().staged());
}

TEST(AbSlot, TakesAnImageOfThePrimaryItself) {
  InstallBench bench(Slots::Two);
  AbSlot own(bench.ecu.flash, bench.ecu.flash, {bench.ecu.floors, bench.order.identity.serial});
  MemoryImage image(kNewImage);
  ASSERT_TRUE(own.stage(image, *bench.assignment));
  ASSERT_TRUE(own.stage(image, *bench.assignment)) << "staging is idempotent";
  ASSERT_TRUE(own.activate());
  EXPECT_EQ(bench.ecu.flash.running(), kNewImage);
}

TEST(AbSlot, GoesOnWhereAPowerCutStoppedIt) {
  InstallBench bench(Slots::Two);
  std::string large;
  large.resize(9'000'000, 'n');
  bench.offer(large, 3);
  ASSERT_EQ(*bench.installer().begin(bench.permit()), 0U);
  std::uint64_t at = 0;
  for (; at < 6'000'000; at += 64'000) {
    ASSERT_TRUE(bench.installer().write(at, as_bytes(std::string_view(large).substr(at, 64'000))));
  }
  bench.ecu.flash.at(Slot::B).back() ^= 1;  // what was written last is torn
  ASSERT_TRUE(bench.ecu.restart());
  const std::uint64_t there = *bench.installer().begin(bench.permit());
  EXPECT_GT(there, 4'000'000U);
  EXPECT_LT(there, at);
  ASSERT_TRUE(bench.go_on(large, there));
  ASSERT_TRUE(bench.installer().activate());
  EXPECT_EQ(bench.ecu.flash.running(), large);
}

TEST(AbSlot, StartsAnewWhenThePartIsOfAnotherImage) {
  InstallBench bench(Slots::Two);
  ASSERT_TRUE(bench.installer().begin(bench.permit()));
  ASSERT_TRUE(bench.installer().write(0, as_bytes(kNewImage.substr(0, 64'000))));
  const std::string other = "another image altogether";
  bench.offer(other, 3);
  EXPECT_EQ(*bench.installer().begin(bench.permit()), 0U);
  ASSERT_TRUE(bench.go_on(other, 0));
  ASSERT_TRUE(bench.installer().activate());
  EXPECT_EQ(bench.ecu.flash.running(), other);
}

// ATK-23: not one byte past the listed length is written.
TEST(AbSlot, RefusesAByteTooMany) {  // INS-3
  InstallBench bench(Slots::Two);
  EXPECT_EQ(verdict(bench.transfer(kNewImage + "!")), "image-too-long");
  EXPECT_EQ(*bench.ecu.flash.size(Slot::B), 0U);
  EXPECT_EQ(verdict(bench.installer().activate()), "message-out-of-order");
  EXPECT_EQ(bench.ecu.flash.running(), bench.order.image);
}

TEST(AbSlot, RefusesAByteTooFew) {  // INS-3
  InstallBench bench(Slots::Two);
  EXPECT_EQ(verdict(bench.transfer(kNewImage.substr(1))), "image-too-short");
  EXPECT_EQ(bench.ecu.flash.running(), bench.order.image);
}

TEST(AbSlot, RefusesAnImageOfAnotherHash) {  // INS-3
  InstallBench bench(Slots::Two);
  std::string wrong = kNewImage;
  wrong[100'000] = 'N';
  EXPECT_EQ(verdict(bench.transfer(wrong)), "image-hash-wrong");
  EXPECT_FALSE(*bench.installer().staged());
}

TEST(AbSlot, RefusesBytesOutOfOrder) {
  InstallBench bench(Slots::Two);
  EXPECT_EQ(verdict(bench.installer().write(0, as_bytes("x"))), "message-out-of-order");
  EXPECT_EQ(verdict(bench.installer().finish()), "message-out-of-order");
  EXPECT_EQ(verdict(bench.installer().activate()), "message-out-of-order");
  ASSERT_TRUE(bench.installer().begin(bench.permit()));
  EXPECT_EQ(verdict(bench.installer().write(5, as_bytes("x"))), "message-out-of-order");
}

// ATK-48: the file was right when it was written, and is another when it is made to run.
TEST(AbSlot, RefusesAStagedImageThatChangedOnTheMedium) {
  InstallBench bench(Slots::Two);
  ASSERT_TRUE(bench.transfer(kNewImage));
  bench.ecu.flash.at(Slot::B)[5] ^= 1;
  EXPECT_EQ(verdict(bench.installer().activate()), "image-hash-wrong");
  EXPECT_EQ(bench.ecu.flash.running(), bench.order.image);
  ASSERT_TRUE(bench.transfer(kNewImage)) << "and can be staged again";
  EXPECT_TRUE(bench.installer().activate());
}

TEST(AbSlot, RollsBackWhenTheBootCheckFails) {  // INS-7
  InstallBench bench(Slots::Two);
  ASSERT_TRUE(bench.transfer(kNewImage));
  bench.ecu.flash.damage_on_activate = true;
  const auto outcome = bench.installer().activate();
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->installed);
  EXPECT_EQ(outcome->code, "rolled-back");
  EXPECT_EQ(*bench.ecu.flash.active(), Slot::A);
  EXPECT_EQ(bench.floor(), ReleaseCounter(1));
}

// PRI-31, ATK-17: an older release, though both repositories list it.
TEST(AbSlot, RefusesALowerReleaseCounterThanItEverRan) {  // INS-3
  InstallBench bench(Slots::Two);
  ASSERT_TRUE(bench.transfer(kNewImage));
  ASSERT_TRUE(bench.installer().activate());
  bench.offer("older", 1);
  EXPECT_EQ(verdict(bench.installer().begin(bench.permit())), "ecu-release-counter-lower");
  bench.ecu.flash.records.erase("floor");  // the confirmed image still says it
  EXPECT_EQ(verdict(bench.installer().begin(bench.permit())), "ecu-release-counter-lower");
}

TEST(AbSlot, NeverTakesARestore) {
  InstallBench bench(Slots::Two);
  EXPECT_EQ(verdict(bench.installer().begin_restore(1)), "message-out-of-order");
}

// ATK-49, INS-7: the power is cut before each single change of the flash. The ECU comes back with the old
// image or the new one, and a second try installs.
TEST(AbSlot, SurvivesAPowerCutAtEveryWrite) {
  bool finished = false;
  for (int changes = 0; !finished && changes < 100; ++changes) {
    InstallBench bench(Slots::Two);
    bench.ecu.flash.cut_power_after(changes);
    finished = bench.transfer(kNewImage).has_value() && bench.installer().activate().has_value();
    bench.ecu.flash.restore_power();
    ASSERT_TRUE(bench.ecu.restart());
    const Running after = *bench.installer().running();
    EXPECT_TRUE(after.sound) << "cut at " << changes;
    EXPECT_TRUE(bench.ecu.flash.running() == kNewImage || bench.ecu.flash.running() == bench.order.image);
    if (bench.ecu.flash.running() == kNewImage) {
      EXPECT_EQ(bench.floor(), ReleaseCounter(2));
      continue;
    }
    ASSERT_TRUE(bench.transfer(kNewImage)) << "cut at " << changes;
    ASSERT_TRUE(bench.installer().activate()) << "cut at " << changes;
    EXPECT_EQ(bench.ecu.flash.running(), kNewImage);
  }
  EXPECT_TRUE(finished);
}

// VER-REC: each record is damaged in turn.
TEST(AbSlot, ComesBackFromADamagedRecord) {
  for (const char* record : {"installed", "incoming", "floor"}) {
    InstallBench bench(Slots::Two);
    ASSERT_TRUE(bench.transfer(kNewImage));
    bench.ecu.flash.records[record] = to_bytes("{\"na");
    ASSERT_TRUE(bench.ecu.restart()) << record;
    ASSERT_TRUE(bench.transfer(kNewImage)) << record;
    ASSERT_TRUE(bench.installer().activate()) << record;
    EXPECT_EQ(bench.ecu.flash.running(), kNewImage) << record;
  }
}

TEST(AbSlot, MeasuresWhatRunsAndNotWhatShould) {  // INS-7
  InstallBench bench(Slots::Two);
  bench.ecu.flash.at(Slot::A)[0] ^= 1;
  const Running running = *bench.installer().running();
  EXPECT_FALSE(running.sound);
  EXPECT_EQ(*running.image.hashes.find(crypto::HashFunction::Sha256),
            crypto::sha256(bench.ecu.flash.at(Slot::A)));
}

// --- one slot ---------------------------------------------------------------------------------------------

TEST(SingleSlot, StreamsOverWhatRuns) {  // INS-2b
  InstallBench bench(Slots::One);
  const auto outcome = bench.transfer(kNewImage);
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_TRUE(outcome->installed);
  EXPECT_EQ(bench.ecu.flash.running(), kNewImage);
  EXPECT_EQ(bench.floor(), ReleaseCounter(2));
}

TEST(SingleSlot, KnowsThatItsImageIsLost) {  // INS-2b
  InstallBench bench(Slots::One);
  EXPECT_EQ(verdict(bench.transfer(kNewImage + "!")), "image-too-long");
  EXPECT_FALSE(bench.installer().running()->sound);
  ASSERT_TRUE(bench.ecu.restart());
  EXPECT_FALSE(bench.installer().running()->sound);
  EXPECT_EQ(bench.floor(), ReleaseCounter(1));
}

TEST(SingleSlot, TakesBackTheImageItLastConfirmed) {
  InstallBench bench(Slots::One);
  EXPECT_FALSE(bench.transfer(kNewImage.substr(1)));
  ASSERT_TRUE(bench.ecu.restart());
  ASSERT_EQ(*bench.installer().begin_restore(bench.order.image.size()), 0U);
  const auto outcome = bench.go_on(bench.order.image, 0);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->code, "restored");
  EXPECT_TRUE(bench.installer().running()->sound);
  EXPECT_EQ(bench.ecu.flash.running(), bench.order.image);
}

// GAP-35: a "backup" is no way round verification.
TEST(SingleSlot, TakesBackNothingElse) {
  InstallBench bench(Slots::One);
  EXPECT_EQ(verdict(bench.installer().begin_restore(bench.order.image.size())), "message-out-of-order")
      << "nothing is lost yet";
  EXPECT_FALSE(bench.transfer(kNewImage.substr(1)));
  EXPECT_EQ(verdict(bench.installer().begin_restore(bench.order.image.size() + 1)), "image-too-long");
  EXPECT_EQ(verdict(bench.installer().begin_restore(1)), "image-too-short");
  ASSERT_TRUE(bench.installer().begin_restore(bench.order.image.size()));
  std::string wrong = bench.order.image;
  wrong[0] = 'F';
  EXPECT_EQ(verdict(bench.go_on(wrong, 0)), "image-hash-wrong");
  EXPECT_FALSE(bench.installer().running()->sound);
}

TEST(SingleSlot, CanBeGivenTheNewImageAgainInstead) {
  InstallBench bench(Slots::One);
  EXPECT_FALSE(bench.transfer(kNewImage.substr(1)));
  ASSERT_TRUE(bench.ecu.restart());
  EXPECT_TRUE(bench.transfer(kNewImage));
  EXPECT_TRUE(bench.installer().running()->sound);
}

// ATK-49: after a power cut anywhere it runs the old image or the new one, or knows that it must be helped.
TEST(SingleSlot, SurvivesAPowerCutAtEveryWrite) {
  bool finished = false;
  for (int changes = 0; !finished && changes < 100; ++changes) {
    InstallBench bench(Slots::One);
    bench.ecu.flash.cut_power_after(changes);
    finished = bench.transfer(kNewImage).has_value();
    bench.ecu.flash.restore_power();
    ASSERT_TRUE(bench.ecu.restart());
    if (!bench.installer().running()->sound) {
      ASSERT_TRUE(bench.installer().begin_restore(bench.order.image.size())) << "cut at " << changes;
      ASSERT_TRUE(bench.go_on(bench.order.image, 0));
    }
    EXPECT_TRUE(bench.installer().running()->sound);
    EXPECT_TRUE(bench.ecu.flash.running() == kNewImage || bench.ecu.flash.running() == bench.order.image);
    EXPECT_EQ(bench.floor() == ReleaseCounter(2), bench.ecu.flash.running() == kNewImage);
  }
  EXPECT_TRUE(finished);
}

TEST(SingleSlot, RefusesALowerReleaseCounterBeforeItLosesAnything) {  // INS-3
  InstallBench bench(Slots::One);
  ASSERT_TRUE(bench.transfer(kNewImage));
  bench.offer("older", 1);
  EXPECT_EQ(verdict(bench.installer().begin(bench.permit())), "ecu-release-counter-lower");
  EXPECT_EQ(bench.ecu.flash.running(), kNewImage);
}

TEST(SingleSlot, HasNothingToActivate) {
  InstallBench bench(Slots::One);
  EXPECT_EQ(verdict(bench.installer().activate()), "message-out-of-order");
  EXPECT_EQ(verdict(bench.installer().write(0, as_bytes("x"))), "message-out-of-order");
  EXPECT_EQ(verdict(bench.installer().finish()), "message-out-of-order");
}

}  // namespace
}  // namespace cotter::client
