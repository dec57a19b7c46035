#include "server/http/access_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/sim/temp_dir.h"

namespace cotter::http {
namespace {

TEST(AccessLog, SaysWhatWasAskedAndWhatTravelled) {
  EXPECT_EQ(text_of({UtcTime(), "GET", "/7.snapshot.json", 200, 31234, "gzip"}),
            "1970-01-01T00:00:00Z GET /7.snapshot.json 200 31234 gzip\n");
}

TEST(AccessLog, IsOneLineWhateverThePath) {
  EXPECT_EQ(text_of({UtcTime(), "GET", "/a\n b\x1b[2J\x80", 404, 0}),
            "1970-01-01T00:00:00Z GET /a??b?[2J? 404 0 -\n");
  EXPECT_LT(text_of({UtcTime(), "GET", std::string(16'000, 'a'), 404, 0}).size(), 1'100U);
}

TEST(AccessLog, IsAppendedToAndNotForAllEyes) {
  const sim::TempDir dir;
  const auto path = dir.path() / "access.log";
  for (int i = 0; i < 2; ++i) {
    const auto log = AccessLog::open(path);
    ASSERT_TRUE(log);
    (*log)->add({UtcTime(), "GET", "/", 200, 1});
  }
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07U, 0U);
  EXPECT_TRUE(is_fault(AccessLog::open(dir.path() / "none" / "log").error(), Fault::Kind::NotFound));
}

}  // namespace
}  // namespace cotter::http
