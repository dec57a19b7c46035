#include "server/app/workspace.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

class Workspaces : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("COTTER_WORKSPACE");
    before_ = fs::current_path();
    put(cotter_toml_text(Settings{}));
  }
  void TearDown() override {
    fs::current_path(before_);
    ::unsetenv("COTTER_WORKSPACE");
  }
  void put(const std::string& text) {
    ASSERT_TRUE(host::write_atomically(dir() / "cotter.toml", as_bytes(text)));
  }
  [[nodiscard]] const fs::path& dir() const { return temp_.path(); }

 private:
  sim::TempDir temp_;
  fs::path before_;
};

TEST_F(Workspaces, AreFoundFromAFolderWithin) {
  fs::create_directories(dir() / "a" / "b");
  fs::current_path(dir() / "a" / "b");
  const auto workspace = Workspace::find(std::nullopt);
  ASSERT_TRUE(workspace) << summary(workspace.error());
  EXPECT_TRUE(fs::equivalent(workspace->dir(), dir()));
}

TEST_F(Workspaces, OptionGoesBeforeEnvironmentBeforeFolder) {
  const sim::TempDir other;
  ASSERT_TRUE(host::write_atomically(other.path() / "cotter.toml", as_bytes("")));
  fs::current_path(dir());
  ::setenv("COTTER_WORKSPACE", other.path().c_str(), 1);
  EXPECT_EQ(Workspace::find(std::nullopt)->dir(), other.path());
  EXPECT_EQ(Workspace::find(dir())->dir(), dir());
}

TEST_F(Workspaces, AreNotFoundWhereThereIsNone) {
  const sim::TempDir empty;
  fs::current_path(empty.path());
  EXPECT_TRUE(is_fault(Workspace::find(std::nullopt).error(), Fault::Kind::NotFound));
  EXPECT_TRUE(is_fault(Workspace::find(empty.path()).error(), Fault::Kind::NotFound));
}

TEST_F(Workspaces, SettingsComeBackAsWritten) {
  Settings settings;
  settings.image.targets = std::chrono::days(30);
  settings.director.timestamp = std::chrono::hours(2);
  settings.listen = "0.0.0.0:443";
  settings.public_repo = true;
  settings.writes_at_once = 7;
  settings.reads_per_minute = 60'000;
  settings.offline_dir = "/media/a \"quoted\" \\ stick";
  settings.signer = "/run/cotter/sign.sock";
  settings.sign_director = {{"cotterd", "4242"}, 12};
  settings.sign_release = {{"builder"}, 13};
  settings.release_roles = {"fw", "maps"};
  put(cotter_toml_text(settings));
  const auto workspace = Workspace::open(dir());
  ASSERT_TRUE(workspace) << summary(workspace.error());
  EXPECT_EQ(workspace->settings().image, settings.image);
  EXPECT_EQ(workspace->settings().director, settings.director);
  EXPECT_EQ(workspace->settings().listen, settings.listen);
  EXPECT_TRUE(workspace->settings().public_repo);
  EXPECT_EQ(workspace->settings().writes_at_once, 7U);
  EXPECT_EQ(workspace->settings().writes_per_minute, Settings{}.writes_per_minute);
  EXPECT_EQ(workspace->settings().reads_per_minute, 60'000U);
  EXPECT_EQ(workspace->settings().offline_dir, settings.offline_dir);
  EXPECT_EQ(workspace->settings().signer, settings.signer);
  EXPECT_EQ(workspace->settings().sign_director.callers, settings.sign_director.callers);
  EXPECT_EQ(workspace->settings().sign_director.per_minute, 12U);
  EXPECT_TRUE(workspace->settings().sign_image.callers.empty());
  EXPECT_EQ(workspace->settings().sign_release.callers, settings.sign_release.callers);
  EXPECT_EQ(workspace->settings().release_roles, settings.release_roles);
}

TEST_F(Workspaces, EmptySettingsMeanTheStandardsAdvice) {
  put("");
  const auto workspace = Workspace::open(dir());
  ASSERT_TRUE(workspace);
  EXPECT_EQ(workspace->settings().image.root, std::chrono::days(365));
  EXPECT_EQ(workspace->settings().image.snapshot, std::chrono::days(7));
  EXPECT_EQ(workspace->settings().director.targets, std::chrono::days(1));
}

TEST_F(Workspaces, MisspeltSettingIsNamedWithItsLine) {
  put("[image]\nroot_hours = 24\nsnapshop_hours = 24\n");
  const auto workspace = Workspace::open(dir());
  ASSERT_FALSE(workspace);
  EXPECT_TRUE(is_fault(workspace.error(), Fault::Kind::Usage));
  EXPECT_NE(summary(workspace.error()).find("line 3: unknown key image.snapshop_hours"), std::string::npos);
}

TEST_F(Workspaces, LimitThatLetsNoVehicleInIsRefused) {
  put("[vehicle_limits]\nwrites_at_once = 0\n");
  EXPECT_TRUE(is_fault(Workspace::open(dir()).error(), Fault::Kind::Usage));
}

TEST_F(Workspaces, LifetimeOfNothingIsRefused) {
  put("[image]\ntimestamp_hours = 0\n");
  EXPECT_TRUE(is_fault(Workspace::open(dir()).error(), Fault::Kind::Usage));
}

}  // namespace
}  // namespace cotter::app
