// uptane-init and uptane-update: two repositories, one ECU, and every way in which they may disagree.
#include "tests/integration/tuf_client.h"

namespace cotter::test {
namespace {

const EcuSerial kEcu("ECU-1");
const HardwareId kHardware("brake-mk2");
const TargetName kName("brakes/mk2/brake.bin");

class UptaneClient : public ::testing::Test {
 protected:
  UptaneClient()
      : director("director", in_days(30)),
        image("image", in_days(30)),
        server(sim::serving({{"director", &director}, {"image", &image}})) {}

  int init() {
    write_file(dir.path() / "director.json", as_text(director.files.at("1.root.json")));
    write_file(dir.path() / "image.json", as_text(image.files.at("1.root.json")));
    return run_client({"--metadata-dir", metadata.string(), "uptane-init",
                       (dir.path() / "director.json").string(), (dir.path() / "image.json").string()},
                      0, &said);
  }
  int update(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--metadata-dir",     metadata.string(),
                                          "--director-url",     server.url() + "/director",
                                          "--image-url",        server.url() + "/image",
                                          "--image-target-url", server.url() + "/image/targets",
                                          "--ecu-serial",       kEcu.value(),
                                          "--hardware-id",      kHardware.value(),
                                          "--target-dir",       targets.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.emplace_back("uptane-update");
    return run_client(arguments, 0, &said);
  }

  void list_image(std::string_view content, std::uint64_t counter) {
    image.add_target(all, kName, content, sim::image_facts({kHardware}, counter));
    image.release({all});
  }
  void assign(std::string_view content, std::uint64_t counter) {
    director.targets().targets.clear();
    director.add_target(all, kName, content, sim::assigned_to(kEcu, kHardware, counter));
    director.release({all});
  }
  void publish_both(std::string_view content, std::uint64_t counter) {
    list_image(content, counter);
    assign(content, counter);
  }
  /// Refused by this rule, and nothing new in the target folder.
  void expect_refusal(const std::string& rule) {
    const auto before = names_in(targets);
    EXPECT_EQ(update(), 1);
    EXPECT_NE(said.find(rule), std::string::npos) << said;
    EXPECT_EQ(names_in(targets), before);
  }
  [[nodiscard]] std::string stored(const std::string& file) const { return content_of(metadata / file); }

  const RoleName all = model::targets_role();
  sim::TempDir dir;
  std::filesystem::path metadata = dir.path() / "metadata", targets = dir.path() / "targets";
  RepositorySim director, image;
  sim::HttpServer server;
  std::string said;
};

TEST_F(UptaneClient, FetchesWhatBothRepositoriesAgreeOn) {
  publish_both("firmware", 3);
  ASSERT_EQ(init(), 0) << said;
  EXPECT_EQ(names_in(metadata), (std::set<std::string>{"director", "image"}));
  ASSERT_EQ(update(), 0) << said;
  EXPECT_EQ(content_of(targets / "brakes%2Fmk2%2Fbrake.bin"), "firmware");
  EXPECT_EQ(stored("director/targets.json"), as_text(director.file_of(all)));
  EXPECT_EQ(stored("image/targets.json"), as_text(image.file_of(all)));
  const std::set<std::string> four = {"root.json", "timestamp.json", "snapshot.json", "targets.json"};
  EXPECT_EQ(names_in(metadata / "director"), four);
  EXPECT_EQ(names_in(metadata / "image"), four);

  image.forget_requests();
  EXPECT_EQ(update(), 0) << said;
  EXPECT_EQ(image.requests(), (std::vector<std::string>{"2.root.json", "timestamp.json"}));
}

TEST_F(UptaneClient, InitPinsNeitherRootUnlessBothAreGood) {
  image.tamper(model::root_role(), [](json::Object&) {}, {sim::key("stranger")});
  EXPECT_EQ(init(), 1);
  EXPECT_EQ(names_in(metadata), std::set<std::string>{});
}

TEST_F(UptaneClient, NothingAssignedIsSuccessWithoutTheImageRepository) {
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(update(), 0) << said;
  EXPECT_EQ(image.requests(), std::vector<std::string>{});
  EXPECT_EQ(stored("director/targets.json"), as_text(director.file_of(all)));
}

TEST_F(UptaneClient, WhatTheDirectorAloneListsIsRefused) {
  assign("evil firmware", 3);
  ASSERT_EQ(init(), 0);
  expect_refusal("match-image-unknown");
  list_image("firmware", 3);
  expect_refusal("match-length-differs");
  list_image("good firmware", 3);
  expect_refusal("match-hash-differs");
  list_image("evil firmware", 4);
  expect_refusal("match-custom-differs");
  image.add_target(all, kName, "evil firmware", sim::image_facts({HardwareId("brake-mk1")}, 3));
  image.release({all});
  expect_refusal("match-custom-differs");
  list_image("evil firmware", 3);
  EXPECT_EQ(update(), 0) << said;
}

TEST_F(UptaneClient, HardwareAndSerialMustBeThisEcus) {
  publish_both("firmware", 3);
  ASSERT_EQ(init(), 0);
  director.targets().targets.clear();
  director.add_target(all, kName, "firmware", sim::assigned_to(EcuSerial("ECU-2"), kHardware, 3));
  director.release({all});
  expect_refusal("director-ecu-unknown");

  director.add_target(all, kName, "firmware", sim::assigned_to(kEcu, HardwareId("brake-mk1"), 3));
  director.release({all});
  expect_refusal("match-");

  director.add_target(all, kName, "firmware", sim::image_facts({kHardware}, 3));
  director.release({all});
  expect_refusal("director-ecu-missing");

  assign("firmware", 3);
  director.add_target(all, TargetName("second.bin"), "x", sim::assigned_to(kEcu, kHardware, 3));
  director.release({all});
  expect_refusal("director-ecu-repeated");
}

// INS-2: targets that were not carried out are not stored, so their counters are no floor, and the old ones
// are.
TEST_F(UptaneClient, ReleaseCounterNeverGoesBack) {
  publish_both("firmware 5", 5);
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(update(), 0) << said;
  const std::string before = stored("director/targets.json");
  publish_both("firmware 4", 4);
  expect_refusal("match-release-counter-lower");
  EXPECT_EQ(stored("director/targets.json"), before);
  expect_refusal("match-release-counter-lower");
  publish_both("firmware 5b", 5);
  EXPECT_EQ(update(), 0) << said;
  publish_both("firmware 6", 6);
  EXPECT_EQ(update(), 0) << said;
  EXPECT_EQ(content_of(targets / "brakes%2Fmk2%2Fbrake.bin"), "firmware 6");
}

TEST_F(UptaneClient, ImageThatFailsKeepsTheOldOneAndTheOldTargets) {
  publish_both("firmware 1", 1);
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(update(), 0) << said;
  const std::string before = stored("director/targets.json");
  publish_both("firmware 2", 2);
  for (auto& [path, bytes] : image.files) {
    if (path.starts_with("targets/")) bytes = to_bytes("tampered 2");
  }
  expect_refusal("image-hash-wrong");
  EXPECT_EQ(content_of(targets / "brakes%2Fmk2%2Fbrake.bin"), "firmware 1");
  EXPECT_EQ(stored("director/targets.json"), before);
}

TEST_F(UptaneClient, VehicleIsCheckedWhereItIsGiven) {
  director.bind_to(VehicleId("VIN-A"));
  director.release({all});
  publish_both("firmware", 3);
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(update({"--vin", "VIN-B"}), 1);
  EXPECT_NE(said.find("director-other-vehicle"), std::string::npos) << said;
  EXPECT_EQ(update({"--vin", "VIN-A"}), 0) << said;
  EXPECT_EQ(update(), 0) << said;
  director.targets().vin.reset();
  director.release({all});
  EXPECT_EQ(update({"--vin", "VIN-A"}), 1);
  EXPECT_EQ(update(), 0) << said;
}

TEST_F(UptaneClient, DirectorMustNotDelegate) {
  publish_both("firmware", 3);
  ASSERT_EQ(init(), 0);
  director.delegate(all, sim::delegated("other"));
  director.release({RoleName("other"), all});
  expect_refusal("director-delegates");
}

TEST_F(UptaneClient, ImageIsSoughtThroughDelegationsForThisHardware) {
  model::DelegatedRole wrong = sim::delegated("other-hardware", {"brakes/*/*"}, true);
  wrong.any_hardware = false;
  wrong.hardware_ids = {HardwareId("door-mk1")};
  image.delegate(all, wrong);
  image.delegate(all, sim::delegated("brakes", {"brakes/*/*"}));
  image.add_target(RoleName("brakes"), kName, "firmware", sim::image_facts({kHardware}, 3));
  image.release({RoleName("other-hardware"), RoleName("brakes"), all});
  assign("firmware", 3);
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(update(), 0) << said;
  EXPECT_EQ(names_in(metadata / "image").count("brakes.json"), 1U);
  EXPECT_EQ(names_in(metadata / "image").count("other-hardware.json"), 0U);
}

// The flat style of repositories made for aktualizr: facts loose in `custom`, hardware on the image side
// alone.
TEST_F(UptaneClient, ReadsFlatCustomFacts) {  // FMT-55
  image.add_target(all, kName, "firmware", {{"hardwareIds", json::Array{kHardware.value()}}});
  image.release({all});
  director.add_target(
      all, kName, "firmware",
      {{"ecuIdentifiers", json::Object{{kEcu.value(), json::Object{{"hardwareId", kHardware.value()}}}}},
       {"releaseCounter", 2}});
  director.release({all});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(update(), 0) << said;
  director.targets().targets.at(kName).custom.set("releaseCounter", 1);
  director.release({all});
  expect_refusal("match-release-counter-lower");
  director.targets().targets.at(kName).custom.set("releaseCounter", 3);
  director.release({all});
  EXPECT_EQ(update(), 0) << said;
  image.add_target(all, kName, "firmware", {{"hardwareIds", json::Array{"door-mk1"}}});
  image.release({all});
  director.release({all});
  expect_refusal("match-hardware-wrong");
  image.add_target(all, kName, "firmware");  // no hardware ids: not checked for them
  image.release({all});
  EXPECT_EQ(update(), 0) << said;
}

TEST_F(UptaneClient, MetadataOverEightMebibytesIsRefused) {
  publish_both("firmware", 3);
  image.targets().unknown.set("x-padding", std::string(9 * 1024 * 1024, 'x'));
  image.release({all});
  ASSERT_EQ(init(), 0);
  expect_refusal("file-too-large");
}

TEST_F(UptaneClient, FrozenOrExpiredRepositoryIsRefused) {
  publish_both("firmware", 3);
  image.targets().expires = in_days(-1);
  image.release({all});
  ASSERT_EQ(init(), 0);
  expect_refusal("targets-expired");
  EXPECT_EQ(names_in(metadata / "director").count("targets.json"), 0U);
}

}  // namespace
}  // namespace cotter::test
