// primary.toml: which repositories there are is fixed at the factory, and that both must agree is not for it
// to say.
#include "client/primary/config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/sim/temp_dir.h"

namespace cotter::client {
namespace {

const std::string kGood = R"(vin = "VIN1"
primary = "GATEWAY"
record = "vehicle.json"
own_ecu = "ecu.toml"
state_dir = "primary"
director_url = "https://ota.example/director/"
image_url = "https://ota.example/repo/"
image_target_url = "https://cdn.example/images/"
)";

Result<PrimaryConfig> read(const std::string& text) {
  const sim::TempDir dir;
  std::ofstream(dir.path() / "primary.toml") << text;
  return PrimaryConfig::read(dir.path() / "primary.toml");
}

std::string without(const std::string& key) {
  std::string text = kGood;
  const auto at = text.find(key + " =");
  return text.erase(at, text.find('\n', at) + 1 - at);
}

TEST(PrimaryConfig, NamesBothRepositories) {  // FMT-95
  const auto config = read(kGood);
  ASSERT_TRUE(config) << summary(config.error());
  EXPECT_EQ(config->director_url, "https://ota.example/director/");
  EXPECT_EQ(config->image_url, "https://ota.example/repo/");
  for (const char* key : {"director_url", "image_url", "image_target_url", "vin", "primary"}) {
    const auto lacking = read(without(key));
    ASSERT_FALSE(lacking) << key;
    EXPECT_TRUE(is_fault(lacking.error(), Fault::Kind::Usage));
    EXPECT_NE(summary(lacking.error()).find(key), std::string::npos) << summary(lacking.error());
  }
}

TEST(PrimaryConfig, HasNoWordThatWouldLetOneRepositorySpeakAlone) {  // FMT-96
  for (const char* more : {"threshold = 1\n", "[[mapping]]\npaths = [\"*\"]\nrepositories = [\"director\"]\n",
                           "map_url = \"https://ota.example/map.json\"\n"}) {
    const auto config = read(kGood + more);
    ASSERT_FALSE(config) << more;
    EXPECT_TRUE(is_fault(config.error(), Fault::Kind::Usage));
  }
}

TEST(PrimaryConfig, AsksTheDirectorsServerForTheTimeUnlessItSaysOtherwise) {
  EXPECT_EQ(read(kGood).value().time_url, "https://ota.example/time");
  EXPECT_EQ(read(kGood + "time_url = \"https://clock.example/now\"\n").value().time_url,
            "https://clock.example/now");
}

}  // namespace
}  // namespace cotter::client
