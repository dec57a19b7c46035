// What a vehicle's first update fetches out of a repository of thousands of images in bins: the real
// programs, and the bytes in cotterd's access log. `./dev bench sign` counts the same in one of a million.
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "common/json/canonical.h"
#include "tests/integration/vehicle_world.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/metadata_sent.h"

namespace cotter::world {
namespace {

constexpr std::size_t kImages = 3'000;
constexpr std::size_t kContents = 300;
constexpr const char* kBits = "10";  // a snapshot that lists 1,024 bins, and three images in each
/// All metadata, of both repositories. The snapshot alone has a third more, plain.
constexpr std::uint64_t kMostBytes = 24'000;

class VehicleFirstUpdate : public testing::Test {
 protected:
  VehicleFirstUpdate() {
    for (std::size_t i = 0; i < ecus_.size(); ++i)
      ecus_[i].after = dir_.path() / image_name(ecus_[i], wanted(i));
    world_.emplace(dir_.path() / "world", COTTER_PROGRAMS, ecus_);
  }
  void SetUp() override {
    must(world_->make_workspace());
    must(world_->start_server({"--access-log", access_log().string()}));
    must(world_->build_vehicle());
    release();
    must(world_->start_secondaries());
  }
  void TearDown() override { world_->stop(); }

  fs::path access_log() { return dir_.path() / "access.log"; }
  fs::path repo() { return world_->workspace() / "repo"; }
  static std::string image_name(const EcuPlan& ecu, std::size_t image) {
    return ecu.hardware_id + "-" + std::to_string(image) + ".bin";
  }
  /// Which image that ECU is to run: none the other's.
  static std::size_t wanted(std::size_t ecu) { return 700 + ecu; }
  fs::path content(std::size_t image) { return dir_.path() / std::to_string(image % kContents); }

  void cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", world_->workspace().string()});
    must(run_well(world_->command("cotter", std::move(arguments))));
  }
  /// Of each number an image for each ECU, in one manifest.
  void release() {
    for (std::size_t i = 0; i < kContents; ++i) std::ofstream(content(i)) << "image " << i;
    std::string manifest = "role = \"fleet\"\n";
    for (std::size_t i = 0; i < kImages / ecus_.size(); ++i) {
      for (const EcuPlan& ecu : ecus_) {
        manifest += "[[artifact]]\nfile = \"" + content(i).string() + "\"\nname = \"" + ecu.team + "/" +
                    ecu.hardware_id + "/" + image_name(ecu, i) + "\"\nhardware_ids = [\"" + ecu.hardware_id +
                    "\"]\nversion = \"2.0\"\nrelease_counter = 2\n";
      }
    }
    const fs::path file = dir_.path() / "release.toml";
    must(host::write_atomically(file, as_bytes(manifest)));
    cotter({"key", "generate", "--name", "image-fleet", "--role", "image/fleet"});
    cotter({"release", "init-role", "fleet", "--paths", "*/*/*", "--bit-length", kBits, "--sign-with",
            (world_->holders() / "holder-1").string(), "--sign-with",
            (world_->holders() / "holder-2").string()});
    cotter({"release", "apply", file.string()});
  }

  sim::TempDir dir_;
  std::vector<EcuPlan> ecus_{demo_vehicle().at(0), demo_vehicle().at(2)};  // both verify fully
  std::optional<World> world_;
};

TEST_F(VehicleFirstUpdate, FetchesMetadataPackedAndLittleOfIt) {
  for (const EcuPlan& ecu : world_->ecus()) must(world_->assign(ecu, ecu.after));
  const auto [exit_code, said] = must(world_->run_primary());
  ASSERT_EQ(exit_code, 0) << json::to_text(said);
  for (std::size_t i = 0; i < ecus_.size(); ++i)
    EXPECT_EQ(must(world_->active_sha256(ecus_[i])), sha256_of(content(wanted(i)))) << ecus_[i].serial;
  world_->stop();

  const MetadataSent sent = must(metadata_sent(access_log(), repo()));
  EXPECT_LE(sent.total(), kMostBytes) << "image repository " << sent.image << ", director " << sent.director;
  EXPECT_GT(sent.image_plain, kMostBytes) << "or the bound would say nothing of packing";
}

}  // namespace
}  // namespace cotter::world
