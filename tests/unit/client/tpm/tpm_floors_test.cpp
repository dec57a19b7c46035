// Floors in a TPM, against a real software TPM in a process of its own. PRI-31, VER-8, ATK-18.
#include "client/tpm/tpm_floors.h"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "client/ecu/provision.h"
#include "common/disk/posix_disk.h"
#include "common/tpm/connection.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/vehicle_sim.h"
#include "tests/world/soft_tpm.h"

namespace cotter::client {
namespace {

constexpr std::uint32_t kIndex = 0x0180C077;
const FloorName kTpmFloor("release/ecu1");

Fault fault_of(const Error& error) { return std::get<Fault>(error); }

class TpmFloorsTest : public testing::Test {
 protected:
  void SetUp() override { power_on(); }

  void power_on() {
    auto started = world::SoftTpm::start(dir_.path());
    ASSERT_TRUE(started) << "no swtpm: is the package installed?";
    tcti_ = started->tcti();
    tpm_.emplace(*std::move(started));
  }

  void power_off() { tpm_.reset(); }

  /// tpm2-tools, as a workshop would use them.
  void tool(const std::string& name, std::vector<std::string> arguments) {
    const auto ran = tpm_->tool(name, std::move(arguments));
    ASSERT_TRUE(ran) << summary(ran.error());
  }
  [[nodiscard]] std::string tcti() const { return tcti_; }
  [[nodiscard]] TpmFloors floors() const { return {tcti(), kIndex}; }
  [[nodiscard]] Result<std::optional<std::uint64_t>> floor() const { return floors().floor(kTpmFloor); }

  sim::TempDir dir_;

 private:
  std::optional<world::SoftTpm> tpm_;
  std::string tcti_;  ///< outlives it: of a TPM that no longer answers
};

TEST_F(TpmFloorsTest, OnlyRiseAndOutliveThePower) {
  ASSERT_TRUE(floors().begin_anew());
  EXPECT_FALSE(*floor());
  ASSERT_TRUE(floors().raise(kTpmFloor, 7));
  ASSERT_TRUE(floors().raise(kTpmFloor, 6));
  ASSERT_TRUE(floors().raise(FloorName("manifests"), 1ULL << 40U));
  EXPECT_EQ(*floor(), 7U);
  power_off();
  power_on();
  EXPECT_EQ(*floor(), 7U);
  ASSERT_TRUE(floors().raise(kTpmFloor, 9));
  EXPECT_EQ(*floor(), 9U);
  EXPECT_EQ(*floors().floor(FloorName("manifests")), 1ULL << 40U);
}

TEST_F(TpmFloorsTest, LeaveNoContextsBehind) {  // a TPM has room for three or so, and nobody here frees them
  ASSERT_TRUE(floors().begin_anew());
  for (std::uint64_t i = 1; i < 20; ++i) ASSERT_TRUE(floors().raise(kTpmFloor, i)) << i;
  EXPECT_EQ(*floor(), 19U);
}

TEST_F(TpmFloorsTest, AreNotBegunAnewWhereTheyCanBeRead) {
  ASSERT_TRUE(floors().begin_anew());
  ASSERT_TRUE(floors().raise(kTpmFloor, 7));
  EXPECT_EQ(fault_of(floors().begin_anew().error()).kind, Fault::Kind::Conflict);
  EXPECT_EQ(*floor(), 7U);
}

TEST_F(TpmFloorsTest, OfATpmThatWasClearedAreAFaultAndNever0) {
  ASSERT_TRUE(floors().begin_anew());
  ASSERT_TRUE(floors().raise(kTpmFloor, 7));
  tool("tpm2_nvundefine", {"-C", "o", "0x0180C077"});
  EXPECT_EQ(fault_of(floor().error()).kind, Fault::Kind::NotFound);
  EXPECT_EQ(fault_of(floors().raise(kTpmFloor, 9).error()).kind, Fault::Kind::NotFound);
  EXPECT_NE(fault_of(floor().error()).hint, "");
}

TEST_F(TpmFloorsTest, OfATpmThatDoesNotAnswerAreAFault) {
  ASSERT_TRUE(floors().begin_anew());
  power_off();
  const auto answer = floor();
  ASSERT_FALSE(answer);
  EXPECT_EQ(fault_of(answer.error()).kind, Fault::Kind::Io);
  EXPECT_NE(fault_of(answer.error()).detail.find("TPM"), std::string::npos);
  EXPECT_FALSE(floors().raise(kTpmFloor, 9));
  EXPECT_FALSE(floors().begin_anew());
}

TEST_F(TpmFloorsTest, TakeAnIndexOfAnotherSizeForSomebodyElses) {
  tool("tpm2_nvdefine", {"-C", "o", "-s", "64", "-a", "authread|authwrite|no_da", "0x0180C077"});
  std::ofstream(dir_.path() / "theirs", std::ios::binary) << std::string(64, 'x');
  tool("tpm2_nvwrite", {"-C", "0x0180C077", "-i", (dir_.path() / "theirs").string(), "0x0180C077"});
  EXPECT_EQ(fault_of(floor().error()).kind, Fault::Kind::Io);
  EXPECT_FALSE(floors().raise(kTpmFloor, 9));
  EXPECT_FALSE(floors().begin_anew()) << "it is not ours to overwrite";
}

TEST_F(TpmFloorsTest, OfOneDamagedEntryAreAFault) {
  ASSERT_TRUE(floors().begin_anew());
  ASSERT_TRUE(floors().raise(kTpmFloor, 7));
  std::ofstream(dir_.path() / "byte", std::ios::binary) << 'x';
  tool("tpm2_nvwrite",
       {"-C", "0x0180C077", "-i", (dir_.path() / "byte").string(), "--offset", "20", "0x0180C077"});
  EXPECT_EQ(fault_of(floor().error()).kind, Fault::Kind::Io);
  EXPECT_FALSE(floors().raise(FloorName("release/ecu2"), 1)) << "whose it was cannot be told";
  ASSERT_TRUE(floors().begin_anew()) << "the workshop's way out";
}

TEST_F(TpmFloorsTest, BehindALockAreReadAndNotWritten) {
  tool("tpm2_nvdefine",
       {"-C", "o", "-s", "56", "-a", "authread|authwrite|no_da|write_stclear", "0x0180C077"});
  ASSERT_TRUE(floors().begin_anew());
  ASSERT_TRUE(floors().raise(kTpmFloor, 7));
  tool("tpm2_nvwritelock", {"-C", "0x0180C077", "0x0180C077"});
  EXPECT_EQ(*floor(), 7U);
  EXPECT_EQ(fault_of(floors().raise(kTpmFloor, 9).error()).kind, Fault::Kind::Denied);
  EXPECT_EQ(*floor(), 7U) << "nothing is lost";
  power_off();
  power_on();
  ASSERT_TRUE(floors().raise(kTpmFloor, 9));
}

TEST_F(TpmFloorsTest, SayWhenTheIndexIsFull) {
  tool("tpm2_nvdefine",
       {"-C", "o", "-s", "56", "-a", "authread|authwrite|no_da", "0x0180C077"});  // room for two
  ASSERT_TRUE(floors().begin_anew());
  ASSERT_TRUE(floors().raise(kTpmFloor, 7));
  ASSERT_TRUE(floors().raise(FloorName("release/ecu2"), 1));
  EXPECT_EQ(fault_of(floors().raise(FloorName("release/ecu3"), 1).error()).kind, Fault::Kind::NoSpace);
  ASSERT_TRUE(floors().raise(kTpmFloor, 8));
  EXPECT_EQ(*floor(), 8U);
}

// ATK-18 at its worst: everything on the disk is as it was before the last update.
TEST_F(TpmFloorsTest, AreNotLoweredByAnOldCopyOfTheWholeDisk) {  // PRI-31
  const auto put = [&](const char* name, const Bytes& bytes) {
    std::ofstream(dir_.path() / name, std::ios::binary) << as_text(bytes);
    return dir_.path() / name;
  };
  const sim::VehicleSim vehicle("VIN1");
  EcuOrder order;
  order.dir = dir_.path() / "ecu";
  order.vin = "VIN1";
  order.serial = "ecu1";
  order.hardware_id = "hw";
  order.verification = Verification::Partial;
  order.director_root = put("root.json", vehicle.director.files.at("1.root.json"));
  order.image = put("image.bin", to_bytes("factory image"));
  order.image_name = "team/ecu1/factory.bin";
  order.release_counter = 5;
  order.listen = "127.0.0.1:0";
  order.floor_store = "tpm:" + tcti();
  disk::PosixDisk disk;
  const auto made = provision_ecu(disk, order);
  ASSERT_TRUE(made) << summary(made.error());
  EXPECT_FALSE(std::filesystem::exists(order.dir / "floors"));
  std::filesystem::copy(
      order.dir, dir_.path() / "old",
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  ASSERT_TRUE(floors().raise(release_floor_of(EcuSerial("ecu1")), 9));  // as the next install does
  std::filesystem::remove_all(order.dir);
  std::filesystem::rename(dir_.path() / "old", order.dir);

  const auto renewed = renew_floor(disk, *read_ecu_config(order.dir / "ecu.toml"), ReleaseCounter(5));
  ASSERT_FALSE(renewed);
  EXPECT_NE(fault_of(renewed.error()).detail.find("is 9"), std::string::npos)
      << fault_of(renewed.error()).detail;
}

TEST(TpmFault, OfABusyTpmIsBusy) {
  for (const std::uint32_t code : {TPM2_RC_RETRY, TPM2_RC_YIELDED, TPM2_RC_TESTING, TPM2_RC_NV_RATE}) {
    EXPECT_EQ(tpm::fault_of(code, "cannot write").kind, Fault::Kind::Busy) << code;
  }
  EXPECT_EQ(tpm::fault_of(TPM2_RC_NV_LOCKED, "").kind, Fault::Kind::Denied);
  EXPECT_EQ(tpm::fault_of(TPM2_RC_BAD_AUTH | TPM2_RC_S | TPM2_RC_1, "").kind, Fault::Kind::Denied);
}

}  // namespace
}  // namespace cotter::client
