// Roots change under a fleet that drives on: ceremonies by the real programs, beside a server that is never
// restarted, and a vehicle that updates after each.
#include "tests/cli/words.h"
#include "tests/integration/vehicle_world.h"

namespace cotter::world {
namespace {

class VehicleFollows : public testing::Test {
 protected:
  VehicleWorld& vehicle = VehicleWorld::get();
  World& world = vehicle.world();

  std::string cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", world.workspace().string(), "--json"});
    return must(run_well(world.command("cotter", std::move(arguments))));
  }
  fs::path holder(int number) { return world.holders() / ("holder-" + std::to_string(number)); }
  fs::path new_key(const fs::path& dir, const std::string& name) {
    std::vector<std::string> arguments = {"key", "generate", "--name", name};
    if (dir != world.workspace() / "keys") arguments.insert(arguments.end(), {"--dir", dir.string()});
    cotter(std::move(arguments));
    return dir / (name + ".key");
  }

  /// Opened, signed on copies by these holders with cotter-sign, closed.
  json::Value hold(std::vector<std::string> open, const std::vector<int>& signers) {
    open.insert(open.begin(), {"ceremony", "open", "root"});
    return sign_and_close(parsed(cotter(std::move(open))), signers);
  }
  json::Value sign_and_close(const json::Value& waiting, const std::vector<int>& signers) {
    std::vector<std::string> close = {"ceremony", "close"};
    for (const int number : signers) {
      const fs::path copy = world.holders() / ("copy-" + std::to_string(number) + ".json");
      fs::copy_file(text_of(waiting, "bundle"), copy, fs::copy_options::overwrite_existing);
      must(run_well(world.command("cotter-sign", {copy.string(), "--keys", holder(number).string(), "--hash",
                                                  text_of(waiting, "hash")})));
      close.push_back(copy.string());
    }
    return parsed(cotter(std::move(close)));
  }

  void expect_update() {
    const EcuPlan& ecu = vehicle.adas();
    const fs::path build = vehicle.publish_next(ecu, 3000);
    must(world.assign(ecu, build));
    const Cycle cycle = vehicle.cycle();
    EXPECT_EQ(cycle.exit_code, 0) << cycle.rule;
    EXPECT_EQ(vehicle.active(ecu), sha256_of(build));
  }
};

TEST_F(VehicleFollows, RootsWithALostKeyReplaced) {
  expect_update();
  const std::string lost = text_of(parsed(cotter({"key", "show", "image-root-1"})), "keyid");
  fs::remove(holder(1) / "image-root-1.key");
  const fs::path fresh = new_key(holder(1), "image-root-4");
  const std::vector<std::string> change = {
      "--repository", "image",        "--add-key", "root=" + fresh.string(),
      "--remove-key", "root=" + lost, "--replace"};
  EXPECT_EQ(text_of(hold(change, {1, 2}), "state"), "awaiting-signatures")
      << "the lost key's place counts as none";
  EXPECT_EQ(text_of(hold(change, {2, 3}), "state"), "published");
  expect_update();
}

TEST_F(VehicleFollows, KeysOfAnotherAlgorithmForTheListOfImages) {
  std::vector<std::string> change = {"--repository", "image"};
  for (const int number : {1, 2}) {
    const std::string old = "image-targets-" + std::to_string(number);
    const std::string fresh = "image-targets-" + std::to_string(number + 3);
    cotter({"key", "generate", "--name", fresh, "--scheme", "ecdsa-sha2-nistp256", "--dir",
            holder(number).string()});
    change.insert(change.end(), {"--add-key", "targets=" + (holder(number) / (fresh + ".key")).string(),
                                 "--remove-key", "targets=" + old});
  }
  const json::Value waiting = hold(change, {2, 3});
  ASSERT_EQ(text_of(waiting, "state"), "awaiting-targets");
  for (const int number : {1, 2})
    fs::remove(holder(number) / ("image-targets-" + std::to_string(number) + ".key"));
  EXPECT_EQ(text_of(sign_and_close(waiting, {1, 2}), "state"), "published");
  expect_update();
}

TEST_F(VehicleFollows, OnlineKeysOfTheImageRepository) {
  const fs::path keys = world.workspace() / "keys";
  const fs::path snapshot = new_key(keys, "image-snapshot-2");
  const fs::path timestamp = new_key(keys, "image-timestamp-2");
  const json::Value done =
      hold({"--repository", "image", "--add-key", "snapshot=" + snapshot.string(), "--remove-key",
            "snapshot=image-snapshot", "--add-key", "timestamp=" + timestamp.string(), "--remove-key",
            "timestamp=image-timestamp"},
           {2, 3});
  EXPECT_EQ(text_of(done, "state"), "published");
  expect_update();
}

TEST_F(VehicleFollows, OnlineKeysOfTheDirectorWhileItServes) {
  const fs::path targets = new_key(world.workspace() / "keys", "director-targets-2");
  const json::Value done = hold({"--repository", "director", "--add-key", "targets=" + targets.string(),
                                 "--remove-key", "targets=director-targets"},
                                {1, 2});
  EXPECT_EQ(text_of(done, "state"), "published");
  expect_update();
}

TEST_F(VehicleFollows, RootsOfAnotherAlgorithm) {
  const fs::path keys = world.workspace() / "keys";
  cotter({"key", "generate", "--name", "director-timestamp-2", "--scheme", "ecdsa-sha2-nistp256"});
  cotter({"key", "generate", "--name", "image-root-5", "--scheme", "rsassa-pss-sha256", "--dir",
          holder(3).string()});
  const json::Value director = hold(
      {"--repository", "director", "--add-key", "timestamp=" + (keys / "director-timestamp-2.key").string(),
       "--remove-key", "timestamp=director-timestamp"},
      {1, 3});
  EXPECT_EQ(text_of(director, "state"), "published");
  const json::Value image =
      hold({"--repository", "image", "--add-key", "root=" + (holder(3) / "image-root-5.key").string(),
            "--threshold", "root=3"},
           {1, 2, 3});
  EXPECT_EQ(text_of(image, "state"), "published");
  expect_update();
}

// What is signed with no network must have none: not even a library of it.
TEST(CotterSign, LinksNoNetwork) {
  const std::string program = std::string(COTTER_PROGRAMS) + "/cotter-sign";
  const auto dynamic_symbols = [&](const char* which) {
    return must(
        run({.program = "/usr/bin/nm", .arguments = {"-D", which, program}, .environment = {}, .log = {}}));
  };
  if (has(dynamic_symbols("--defined-only").out, "__asan_init")) {
    GTEST_SKIP() << "this program carries a sanitizer, which has sockets of its own";
  }
  const Ended needed =
      must(run({.program = "/usr/bin/ldd", .arguments = {program}, .environment = {}, .log = {}}));
  ASSERT_EQ(needed.exit_code, 0) << needed.err;
  EXPECT_TRUE(has(needed.out, "libcrypto")) << needed.out;
  for (const char* library : {"libcurl", "libssl", "libsqlite", "libboost"}) {
    EXPECT_FALSE(has(needed.out, library)) << library;
  }
  const Ended symbols = dynamic_symbols("--undefined-only");
  ASSERT_EQ(symbols.exit_code, 0) << symbols.err;
  EXPECT_TRUE(has(symbols.out, " fclose")) << symbols.out;
  for (const char* call : {" socket", " connect", " getaddrinfo", " bind"}) {
    EXPECT_FALSE(has(symbols.out, std::string(call) + "@")) << call;
    EXPECT_FALSE(has(symbols.out, std::string(call) + "\n")) << call;
  }
}

}  // namespace
}  // namespace cotter::world
