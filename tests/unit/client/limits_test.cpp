// A root with large keys (VER-LIM): refused by default, taken where the operator's configuration has room for
// it. Every limit here comes out of a configuration file, as the programs read it.
#include <gtest/gtest.h>

#include <fstream>

#include "client/ecu/config.h"
#include "client/ecu/provision.h"
#include "client/primary/config.h"
#include "common/disk/posix_disk.h"
#include "common/host/limits_config.h"
#include "common/trust/refresh.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/vehicle_sim.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::client {
namespace {

using test::verdict;

constexpr std::size_t kLarge = 300 * 1024;

constexpr const char* kPrimary = R"(vin = "VIN-1"
primary = "GATEWAY"
record = "vehicle.json"
own_ecu = "own"
state_dir = "state"
director_url = "https://director/"
image_url = "https://images/"
image_target_url = "https://images/targets/"
)";
constexpr const char* kRoom = "[limits.director]\nroot_bytes = 524288\n[limits.image]\nroot_bytes = 524288\n";

/// A root as it is where keys and signatures take kilobytes each: nothing in it that a reader does not know.
void publish_large_root(sim::RepositorySim& repository) {
  repository.root.unknown.set("x-large-keys", std::string(kLarge, 'k'));
  repository.publish(model::root_role());
}

class Roots : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(dir_.path() / name) << text;
    return dir_.path() / name;
  }
  /// What a primary with this configuration makes of its image repository.
  std::string primary_takes(const std::string& limits) {
    const auto config = PrimaryConfig::read(write("primary.toml", kPrimary + limits));
    if (!config) return verdict(config);
    trust::Policy policy;
    policy.limits = config->cycle.image_limits;
    sim::MemoryMetadata store;
    trust::Refresh refresh(
        *trust::TrustedSet::anchored_at(vehicle_.image.files.at("1.root.json"), vehicle_.now, policy));
    return verdict(trust::drive(refresh, store, vehicle_.image));
  }
  /// What an ECU with this configuration makes of both, as its primary hands them on.
  std::string ecu_takes(const std::string& limits, Verification verification) {
    sim::EcuOrder order = vehicle_.order("BRAKE", verification);
    const std::string kind = verification == Verification::Full ? "full" : "partial";
    write("director-root.json", std::string(as_text(order.identity.director_root)));
    write("image-root.json", std::string(as_text(order.identity.image_root)));
    const auto config = read_ecu_config(write(
        "ecu.toml", "vin = \"VIN-1\"\nserial = \"BRAKE\"\nhardware_id = \"hw-BRAKE\"\nverification = \"" +
                        kind + "\"\nlisten = \"127.0.0.1:0\"\n" + limits));
    if (!config) return verdict(config);
    order.identity = config->identity;
    sim::EcuSim ecu(order, vehicle_.now);
    return verdict(ecu.link().put_metadata(vehicle_));
  }
  sim::TempDir dir_;
  sim::VehicleSim vehicle_{"VIN-1"};
};

TEST_F(Roots, OfUsualSizeNeedNoConfiguration) {
  EXPECT_EQ(primary_takes(""), "accepted");
  EXPECT_EQ(ecu_takes("", Verification::Full), "accepted");
}

TEST_F(Roots, AreRefusedByDefaultWhereTheyAreLarge) {  // ATK-22
  publish_large_root(vehicle_.image);
  EXPECT_EQ(primary_takes(""), "file-too-large");
  EXPECT_EQ(ecu_takes("", Verification::Full), "file-too-large");
}

TEST_F(Roots, AreTakenWhereTheOperatorAllowsThem) {  // VER-LIM
  publish_large_root(vehicle_.image);
  publish_large_root(vehicle_.director);
  EXPECT_EQ(primary_takes(kRoom), "accepted");
  EXPECT_EQ(ecu_takes(kRoom, Verification::Full), "accepted");
  EXPECT_EQ(ecu_takes(kRoom, Verification::Partial), "accepted");
  EXPECT_EQ(ecu_takes("[limits.image]\nroot_bytes = 524288\n", Verification::Full), "file-too-large");
}

TEST_F(Roots, ThatTheFactoryGivesAreRoomEnoughForTheirSuccessors) {
  publish_large_root(vehicle_.director);
  EcuOrder order;
  order.dir = dir_.path() / "ecu";
  order.vin = "VIN-1";
  order.serial = "BRAKE";
  order.hardware_id = "hw-BRAKE";
  order.director_root =
      write("large-root.json", std::string(as_text(vehicle_.director.file_of(model::root_role()))));
  order.image_root = write("usual-root.json", std::string(as_text(vehicle_.image.files.at("1.root.json"))));
  order.image = write("factory.bin", "factory image");
  order.image_name = "team/brake/1.bin";
  order.listen = "127.0.0.1:0";
  disk::PosixDisk disk;
  const auto record = provision_ecu(disk, order);
  ASSERT_TRUE(record) << explain(record.error());
  const auto config = read_ecu_config(order.dir / "ecu.toml");
  ASSERT_TRUE(config) << explain(config.error());
  EXPECT_GT(config->identity.director_limits.root_bytes, kLarge);
  EXPECT_EQ(config->identity.image_limits.root_bytes, Limits().root_bytes);
}

TEST(LimitsConfig, ReadsEveryCapAndLeavesTheOthers) {
  const auto config = host::Config::parse(R"([limits.image]
root_bytes = 100000
timestamp_bytes = 20000
snapshot_bytes = 70000
targets_bytes = 80000
listed_bytes = 90000
roots_per_cycle = 8
delegated_roles = 9
delegation_depth = 10
)",
                                          "primary.toml");
  ASSERT_TRUE(config);
  const Limits limits = host::read_limits(*config, "limits.image", Limits()).value();
  EXPECT_EQ(limits.root_bytes, 100'000U);
  EXPECT_EQ(limits.timestamp_bytes, 20'000U);
  EXPECT_EQ(limits.snapshot_bytes, 70'000U);
  EXPECT_EQ(limits.targets_bytes, 80'000U);
  EXPECT_EQ(limits.listed_bytes, 90'000U);
  EXPECT_EQ(limits.roots_per_cycle, 8U);
  EXPECT_EQ(limits.delegated_roles, 9U);
  EXPECT_EQ(limits.delegation_depth, 10U);
  EXPECT_TRUE(config->refuse_unknown());
  EXPECT_EQ(host::read_limits(*config, "limits.director", Limits())->root_bytes, Limits().root_bytes);
}

TEST(LimitsConfig, TakesNoLimitAway) {
  for (const char* value : {"0", "-1", "1099511627776", "\"many\""}) {
    const auto config =
        host::Config::parse("[limits.image]\nroot_bytes = " + std::string(value) + "\n", "primary.toml");
    ASSERT_TRUE(config);
    EXPECT_TRUE(is_fault(host::read_limits(*config, "limits.image", Limits()).error(), Fault::Kind::Usage))
        << value;
  }
}

}  // namespace
}  // namespace cotter::client
