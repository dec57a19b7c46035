// kill -9 in the middle of the work: afterwards every ECU boots a whole old or new image, and the next cycle
// finishes.
#include <poll.h>

#include "tests/integration/vehicle_world.h"

namespace cotter::world {
namespace {

constexpr std::size_t kImage = 2'000'000;  // large enough that a cut falls into its transfer

class VehiclePowerCuts : public testing::Test {
 protected:
  VehicleWorld& vehicle = VehicleWorld::get();

  Command primary() {
    Command command = vehicle.world().command(
        "cotter-primary", {"--config", (vehicle.world().ecu_dir(vehicle.gateway()) / "primary.toml").string(),
                           "--once", "--json"});
    command.log = vehicle.world().workspace() / "primary.log";
    return command;
  }
  /// Lets the primary run for so long, then cuts it off. true: it was done already.
  bool run_for(int milliseconds) {
    Daemon daemon = must(Daemon::start(primary()));
    ::poll(nullptr, 0,
           milliseconds);  // the moment of a power cut is what is tested: there is nothing to wait for
    const bool done = !daemon.running();
    daemon.kill();
    return done;
  }
};

TEST_F(VehiclePowerCuts, PrimaryKilledAnywhereLeavesOldOrNewAndTheNextCycleFinishes) {  // ATK-49
  for (const EcuPlan* ecu : {&vehicle.adas(), &vehicle.gateway()}) {
    const std::string old = vehicle.active(*ecu);
    const fs::path update = vehicle.publish_next(*ecu, kImage);
    must(vehicle.world().assign(*ecu, update));
    const std::string next = sha256_of(update);
    for (int milliseconds = 20; milliseconds < 2'000; milliseconds += milliseconds / 3) {
      const bool done = run_for(milliseconds);
      const std::string now = vehicle.active(*ecu);
      EXPECT_TRUE(now == old || now == next) << "after " << milliseconds << " ms";
      if (done) break;
    }
    EXPECT_EQ(vehicle.cycle().exit_code, 0);
    EXPECT_EQ(vehicle.active(*ecu), next);
  }
}

TEST_F(VehiclePowerCuts,
       SecondaryKilledInMidTransferBootsItsOldImageAndTakesTheNewOneLater) {  // ATK-49, INS-7
  World& world = vehicle.world();
  const EcuPlan& ecu = vehicle.adas();
  const std::string old = vehicle.active(ecu);
  const fs::path update = vehicle.publish_next(ecu, kImage);
  must(world.assign(ecu, update));
  Daemon cycle = must(Daemon::start(primary()));
  // Cut when the spare slot holds a part of the image.
  const fs::path slots = world.ecu_dir(ecu) / "slots";
  const auto in_transfer = [&] {
    for (const auto& entry : fs::directory_iterator(slots)) {
      if (sha256_of(entry.path()) != old && fs::file_size(entry.path()) > 0) return true;
    }
    return false;
  };
  while (cycle.running() && !in_transfer()) ::poll(nullptr, 0, 1);
  world.secondary(ecu.serial).kill();
  cycle.stop();
  EXPECT_TRUE(vehicle.active(ecu) == old || vehicle.active(ecu) == sha256_of(update));
  must(world.start_secondary(ecu));
  EXPECT_EQ(vehicle.cycle().exit_code, 0);
  EXPECT_EQ(vehicle.active(ecu), sha256_of(update));
}

TEST_F(VehiclePowerCuts, SingleSlotEcuKilledWhileOverwrittenIsBroughtBack) {  // GAP-35
  World& world = vehicle.world();
  const EcuPlan& ecu = vehicle.brake();
  const std::string old = vehicle.active(ecu);
  const fs::path update = vehicle.publish_next(ecu, kImage);
  must(world.assign(ecu, update));
  Daemon cycle = must(Daemon::start(primary()));
  while (cycle.running() && vehicle.active(ecu) == old) ::poll(nullptr, 0, 1);
  world.secondary(ecu.serial).kill();
  cycle.stop();
  must(world.start_secondary(ecu));
  EXPECT_EQ(vehicle.cycle().exit_code, 0);
  EXPECT_EQ(vehicle.active(ecu), sha256_of(update));
}

TEST_F(VehiclePowerCuts, ServerKilledInMidCycleLosesNothing) {
  World& world = vehicle.world();
  const EcuPlan& ecu = vehicle.gateway();
  const fs::path update = vehicle.publish_next(ecu, kImage);
  must(world.assign(ecu, update));
  Daemon cycle = must(Daemon::start(primary()));
  ::poll(nullptr, 0, 120);
  world.server().kill();
  cycle.stop();
  must(world.start_server());
  EXPECT_EQ(vehicle.cycle().exit_code, 0);
  EXPECT_EQ(vehicle.active(ecu), sha256_of(update));
}

}  // namespace
}  // namespace cotter::world
