// Another time for programs: whatever other programs left behind, and leaving nothing behind.
#include "tests/world/faketime.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/world/process.h"

namespace cotter::world {
namespace {

namespace fs = std::filesystem;

/// What a shell prints by that clock; it first runs `before` by the true one, and keeps its process id.
std::string printed(const Faketime& faketime, const std::string& clock, const std::string& before,
                    const std::string& command) {
  std::string script = before + "\nexec env";
  for (const auto& [name, value] : faketime.environment(clock)) {
    script.append(" '").append(name).append("=").append(value).append("'");
  }
  const auto out = run_well({"/bin/sh", {"-c", script + " " + command}, {}, {}});
  EXPECT_TRUE(out.has_value()) << summary(out.error());
  return out.value_or("");
}

std::set<std::string> shared_things() {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator("/dev/shm")) {
    const std::string name = entry.path().filename();
    if (name.find("faketime") != std::string::npos) names.insert(name);
  }
  return names;
}

TEST(Faketime, MovesTheClockOfAProgramAndOfThoseThatItStarts) {
  const auto faketime = Faketime::create();
  ASSERT_TRUE(faketime) << summary(faketime.error());
  EXPECT_EQ(printed(*faketime, "@2001-01-01 00:00:00", "", "date -u +%Y"), "2001\n");
  EXPECT_EQ(printed(*faketime, "@2001-01-01 00:00:00", "", "/bin/sh -c 'date -u +%Y; date -u +%m'"),
            "2001\n01\n");
}

/// The likes of "faketime: sem_open: File exists": what a killed program of the same process id left.
TEST(Faketime, DoesNotMindWhatAKilledProgramOfTheSameIdLeft) {
  const auto faketime = Faketime::create();
  ASSERT_TRUE(faketime) << summary(faketime.error());
  for (const char* left : {"faketime_shm_$$", "sem.faketime_sem_$$"}) {
    const std::string file = std::string("/dev/shm/") + left;
    EXPECT_EQ(printed(*faketime, "@2001-01-01 00:00:00", "printf 12345678 >" + file,
                      "/bin/sh -c \"date -u +%Y; rm " + file + "\""),
              "2001\n")
        << left;
  }
}

TEST(Faketime, LeavesNothingBehind) {
  std::string pid;
  {
    const auto faketime = Faketime::create();
    ASSERT_TRUE(faketime) << summary(faketime.error());
    pid = printed(*faketime, "+1d", "", "/bin/sh -c 'echo $$'");  // a shell ends without cleaning up
  }
  pid.pop_back();
  for (const std::string& name : shared_things()) {
    EXPECT_FALSE(name.ends_with("_" + pid)) << name;
  }
}

TEST(Faketime, GivesEachOwnerAPairOfItsOwnAndTakesItAway) {
  std::string shared;
  {
    auto one = Faketime::create();
    const auto other = Faketime::create();
    ASSERT_TRUE(one && other);
    shared = one->environment("+1d").at("FAKETIME_SHARED");
    EXPECT_NE(shared, other->environment("+1d").at("FAKETIME_SHARED"));
    const Faketime moved = std::move(*one);
    EXPECT_EQ(moved.environment("+1d").at("FAKETIME_SHARED"), shared);
    EXPECT_TRUE(shared_things().contains(shared.substr(1, shared.find(' ') - 1)));
  }
  const std::string name = shared.substr(1, shared.find(' ') - 1);
  EXPECT_FALSE(shared_things().contains(name));
  EXPECT_FALSE(shared_things().contains("sem." + name));
}

}  // namespace
}  // namespace cotter::world
