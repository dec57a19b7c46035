// A supplier is let go while a vehicle runs one of its images and is to run another: real programs, and a
// vehicle that goes on updating, before, through and after the root that replaces the online keys (IMG-13).
#include "common/json/canonical.h"
#include "server/repository/reader.h"
#include "tests/cli/words.h"
#include "tests/integration/vehicle_world.h"

namespace cotter::world {
namespace {

class VehicleOfASupplier : public testing::Test {
 protected:
  void take_in(const std::string& name, const std::vector<std::string>& more = {}) {
    supplier = name;
    generate(name + "-1", {"--dir", keys().string()});
    std::vector<std::string> words = {"supplier",
                                      "add",
                                      name,
                                      "--path",
                                      name + "/*/*",
                                      "--hardware-id",
                                      vehicle.adas().hardware_id,
                                      "--key",
                                      (keys() / (name + "-1.pub.json")).string(),
                                      "--sign-with",
                                      holder(1),
                                      "--sign-with",
                                      holder(2)};
    words.insert(words.end(), more.begin(), more.end());
    cotter(words);
    cotter({"token", "add", name + "-ci", "--role", "supplier", "--supplier", name, "--out",
            (keys() / (name + ".token")).string()});
  }

  Ended try_cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", world.workspace().string(), "--json"});
    return must(run(world.command("cotter", std::move(arguments))));
  }
  json::Value cotter(std::vector<std::string> arguments) {
    const Ended ended = try_cotter(std::move(arguments));
    EXPECT_EQ(ended.exit_code, kDone) << ended.err << ended.out;
    return ended.exit_code == kDone ? parsed(ended.out) : json::Value(json::Object());
  }
  fs::path keys() { return world.holders() / "of-acme"; }
  std::string holder(int number) { return (world.holders() / ("holder-" + std::to_string(number))).string(); }
  void generate(const std::string& name, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"key", "generate", "--name", name};
    words.insert(words.end(), more.begin(), more.end());
    const json::Value made = cotter(words);
    if (!more.empty())
      must(host::write_atomically(keys() / (name + ".pub.json"), as_bytes(json::to_text(made))));
  }

  /// Handed in by the supplier, and accepted.
  fs::path supplied(const std::string& name, std::size_t size, const std::string& counter) {
    const fs::path file = keys() / (std::to_string(size) + ".bin");
    must(host::write_atomically(file, Bytes(size, static_cast<std::uint8_t>(size))));
    const json::Value handed_in = cotter({"submit",
                                          file.string(),
                                          "--name",
                                          name,
                                          "--hardware-id",
                                          vehicle.adas().hardware_id,
                                          "--version",
                                          "9.0",
                                          "--release-counter",
                                          counter,
                                          "--supplier",
                                          supplier,
                                          "--server",
                                          world.server_url(),
                                          "--ca",
                                          (world.workspace() / "pki" / "ca.crt").string(),
                                          "--root",
                                          (vehicle.repo() / "1.root.json").string(),
                                          "--token-file",
                                          (keys() / (supplier + ".token")).string(),
                                          "--key",
                                          (keys() / (supplier + "-1.key")).string(),
                                          "--partial",
                                          (keys() / "bundle.json").string()});
    cotter({"supplier", "accept", text_of(handed_in, "id")});
    return file;
  }
  void assign(const EcuPlan& ecu, const std::string& name) {
    cotter({"assign", world.vin(), ecu.serial, name});
  }
  Ended remove(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"supplier", "remove",      "acme",   "--sign-with",
                                      holder(1),  "--sign-with", holder(2)};
    words.insert(words.end(), more.begin(), more.end());
    return try_cotter(words);
  }
  /// A root with other keys for what the snapshot and the timestamp are signed with.
  void rotate_online_keys() {
    const fs::path dir = world.workspace() / "keys";
    for (const char* name : {"image-snapshot-2", "image-timestamp-2"}) generate(name);
    const json::Value opened = cotter({"ceremony", "open", "root", "--repository", "image", "--add-key",
                                       "snapshot=" + (dir / "image-snapshot-2.key").string(), "--remove-key",
                                       "snapshot=image-snapshot", "--add-key",
                                       "timestamp=" + (dir / "image-timestamp-2.key").string(),
                                       "--remove-key", "timestamp=image-timestamp"});
    std::vector<std::string> close = {"ceremony", "close"};
    for (const int number : {1, 2}) {
      close.push_back((keys() / ("copy-" + std::to_string(number) + ".json")).string());
      fs::copy_file(text_of(opened, "bundle"), close.back(), fs::copy_options::overwrite_existing);
      must(run_well(world.command(
          "cotter-sign", {close.back(), "--keys", holder(number), "--hash", text_of(opened, "hash")})));
    }
    EXPECT_EQ(text_of(cotter(close), "state"), "published");
  }
  bool is_listed() {
    return must(repository::read_as_client(vehicle.repo(), repository::kBeforeAnyExpiry))
        .listed(RoleName("acme"))
        .has_value();
  }
  void expect_cycle() {
    const Cycle cycle = vehicle.cycle();
    EXPECT_EQ(cycle.exit_code, kDone) << cycle.rule;
  }
  void expect_update(const EcuPlan& ecu) {
    const fs::path build = vehicle.publish_next(ecu, 3000);
    must(world.assign(ecu, build));
    expect_cycle();
    EXPECT_EQ(vehicle.active(ecu), sha256_of(build));
  }

  VehicleWorld& vehicle = VehicleWorld::get();
  World& world = vehicle.world();
  std::string supplier;
};

TEST_F(VehicleOfASupplier, UpdatesOnWhenTheSupplierIsLetGoAndItsNameLeavesTheSnapshot) {  // IMG-13
  const EcuPlan& adas = vehicle.adas();
  take_in("acme");
  const fs::path running = supplied("acme/adas/app.bin", 3101, "1");
  assign(adas, "acme/adas/app.bin");
  expect_cycle();
  ASSERT_EQ(vehicle.active(adas), sha256_of(running));
  supplied("acme/adas/next.bin", 3102, "1");
  assign(adas, "acme/adas/next.bin");

  const Ended asked = remove();
  EXPECT_EQ(asked.exit_code, kFailed) << "an ECU is to run an image of acme";
  EXPECT_TRUE(has(asked.err, world.vin()) && has(asked.err, adas.serial)) << asked.err;
  const Ended removed = remove({"--end-assignments"});
  ASSERT_EQ(removed.exit_code, kDone) << removed.err;
  EXPECT_EQ(text_of(parsed(removed.out), "state"), "published");
  EXPECT_EQ(member(parsed(removed.out), "ended").as_array()->size(), 1U) << removed.out;
  expect_update(vehicle.gateway());
  EXPECT_EQ(vehicle.active(adas), sha256_of(running)) << "it is given nothing in its place";
  EXPECT_TRUE(is_listed()) << "a vehicle would take its absence for a rollback";
  expect_update(adas);

  const Ended traced = try_cotter({"trace", "acme/adas/app.bin"});
  EXPECT_EQ(traced.exit_code, kDone) << traced.err;
  EXPECT_TRUE(has(traced.out, "acme-ci") && has(traced.out, "publication")) << traced.out;

  rotate_online_keys();
  EXPECT_FALSE(is_listed());
  expect_cycle();
  expect_update(adas);
  expect_update(vehicle.gateway());
}

TEST_F(VehicleOfASupplier, UpdatesToImagesInItsHashedBins) {
  const EcuPlan& adas = vehicle.adas();
  take_in("parts", {"--expected-targets", "500"});
  for (const char* number : {"1000", "1001", "1002"}) {
    const std::string name = "parts/adas/" + std::string(number) + ".bin";
    const fs::path build = supplied(name, 2000 + static_cast<std::size_t>(std::stoi(number)), number);
    assign(adas, name);
    expect_cycle();
    EXPECT_EQ(vehicle.active(adas), sha256_of(build)) << name;
  }
  const auto set = must(repository::read_as_client(vehicle.repo(), repository::kBeforeAnyExpiry));
  for (const char* bin : {"parts-0", "parts-1", "parts-2", "parts-3"})
    EXPECT_TRUE(set.listed(RoleName(bin))) << bin;
}

}  // namespace
}  // namespace cotter::world
