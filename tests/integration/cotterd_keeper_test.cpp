// cotterd after it was off: what it heals by itself, and what it says that only people can. The real program,
// on a clock that is ahead.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/host/system_clock.h"
#include "server/repository/reader.h"
#include "server/repository/url_transport.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/faketime.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using world::Daemon;
using world::Ended;

/// A workspace whose list of images lives 33 days. Each test has a copy of its own.
class CotterdComesBack : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    faketime = std::make_unique<world::Faketime>(world::Faketime::create().value());
    start = host::SystemClock().now();
    const fs::path holders = folder->path() / "holders";
    ASSERT_EQ(run_cotter({"init", made().string(), "--offline-dir", holders.string()}).exit_code, kDone);
    std::ofstream(folder->path() / "app.bin") << "an image";
    const Ended published = run_cotter(
        {"-C", made().string(), "publish", (folder->path() / "app.bin").string(), "--name",
         "team/ecu/app.bin", "--hardware-id", "ecu-1", "--version", "1.0", "--expires", "33d", "--sign-with",
         (holders / "holder-1").string(), "--sign-with", (holders / "holder-2").string()});
    ASSERT_EQ(published.exit_code, kDone) << published.err;
  }
  static void TearDownTestSuite() {
    faketime.reset();
    folder.reset();
  }
  void SetUp() override { fs::copy(made(), workspace(), fs::copy_options::recursive); }

  static fs::path made() { return folder->path() / "made"; }
  [[nodiscard]] fs::path workspace() const { return own_.path() / "ws"; }
  [[nodiscard]] world::Command cotterd(const std::string& role, days later) const {
    world::Command words{COTTERD,
                         {"-C", workspace().string(), "--plain", "--listen", "127.0.0.1:0", "--role", role},
                         faketime->environment("+" + std::to_string(later.count()) + "d"),
                         own_.path() / (role + ".log")};
    words.environment["COTTER_PASSPHRASE"] = "the workspace's words";
    words.environment["COTTER_PASSPHRASE_HOLDER"] = "";
    return words;
  }
  struct Running {
    Daemon daemon;
    std::string url;
  };
  [[nodiscard]] Running run(const std::string& role, days later) const {
    Daemon daemon = Daemon::start(cotterd(role, later)).value();
    std::string line = daemon.read_line().value_or("it ended: " + log(role));
    EXPECT_TRUE(line.starts_with("listening on ")) << line;
    return {std::move(daemon), line.substr(line.find("http"))};
  }
  [[nodiscard]] std::string log(const std::string& role) const {
    const auto text = host::read_file(own_.path() / (role + ".log"), 1U << 20U);
    return text ? std::string(as_text(*text)) : "";
  }
  /// What is served at `url`, as a vehicle fresh from the factory judges it that day.
  static Result<trust::TrustedSet> as_vehicle(const std::string& url, days later) {
    auto transport = TRY(repository::UrlTransport::create(url + "/repo", {}));
    return repository::read_as_client(transport, start + later);
  }
  /// Asks again until it is so: what a keeper does, it does on its own thread.
  static bool comes_true(const std::function<bool()>& what) {
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < patience) {
      if (what()) return true;
    }
    return false;
  }

  static inline std::unique_ptr<sim::TempDir> folder;
  static inline std::unique_ptr<world::Faketime> faketime;
  static inline UtcTime start{};

 private:
  sim::TempDir own_;
};

TEST_F(CotterdComesBack, AfterAMonthItRenewsWhatIsItsAndOpensTheCeremonyThatIsDue) {
  const days later(30);
  const Ended before = run_cotter({"-C", workspace().string(), "check", "--at", format_utc(start + later)});
  EXPECT_EQ(before.exit_code, kRefused);
  EXPECT_TRUE(has(before.out, "snapshot expired at ")) << before.out;
  Running all = run("all", later);
  EXPECT_TRUE(comes_true([&] { return as_vehicle(all.url, later).has_value(); })) << log("all");
  const auto healed = as_vehicle(all.url, later);
  ASSERT_TRUE(healed) << explain(healed.error());
  EXPECT_EQ((*healed->snapshot())->version, Version(3));
  EXPECT_EQ((*healed->targets())->version, Version(2)) << "that is its holders'";
  const fs::path bundle = workspace() / "pending" / "image-targets-3.json";
  EXPECT_TRUE(fs::exists(bundle));
  EXPECT_TRUE(has(log("all"), "the image targets expires at ")) << log("all");
  EXPECT_TRUE(has(log("all"), "its holders must sign " + bundle.string())) << log("all");
  EXPECT_EQ(all.daemon.stop(), kDone);
}

TEST_F(CotterdComesBack, AfterTheListOfImagesHasEndedItSaysWhatPeopleMustDo) {
  Running all = run("all", days(40));
  const auto told = [&] {
    return has(log("all"), "the image targets has expired at ") &&
           has(log("all"), "the image repository could not be renewed: ") &&
           has(log("all"), "targets-expired");
  };
  EXPECT_TRUE(comes_true(told)) << log("all");
  EXPECT_TRUE(fs::exists(workspace() / "pending" / "image-targets-3.json"));
  EXPECT_EQ(all.daemon.stop(), kDone);
}

TEST_F(CotterdComesBack, ADirectorAloneKeepsTheRepositoryThatAnotherProcessServes) {
  const days later(30);
  Running images = run("image", later);
  EXPECT_TRUE(comes_true([&] {
    return has(log("image"), "nobody renews the image repository: its timestamp");
  })) << log("image");
  EXPECT_FALSE(as_vehicle(images.url, later));
  Running director = run("director", later);
  EXPECT_TRUE(comes_true([&] { return as_vehicle(images.url, later).has_value(); })) << log("director");
  EXPECT_TRUE(fs::exists(workspace() / "pending" / "image-targets-3.json"));
  EXPECT_EQ(director.daemon.stop(), kDone);
  EXPECT_EQ(images.daemon.stop(), kDone);
}

TEST_F(CotterdComesBack, WithoutTheKeysOfTheRepositoryADirectorSaysAtTheStartThatItKeepsNothing) {
  for (const char* key : {"image-snapshot.key", "image-timestamp.key"})
    ASSERT_TRUE(fs::remove(workspace() / "keys" / key)) << key;
  Running director = run("director", days(0));
  EXPECT_TRUE(has(log("director"), "keeps no image repository fresh and opens no ceremonies: "))
      << log("director");
  EXPECT_EQ(director.daemon.stop(), kDone);
  const auto all = world::run(cotterd("all", days(0)), std::chrono::seconds(20));
  ASSERT_TRUE(all) << "it starts, and nobody would know";
  EXPECT_EQ(all->exit_code, kNotFound);
}

}  // namespace
}  // namespace cotter
