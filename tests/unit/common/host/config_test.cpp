#include "common/host/config.h"

#include <gtest/gtest.h>

#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"

namespace cotter::host {
namespace {

Config config(std::string_view text) {
  auto parsed = Config::parse(text, "car.toml");
  EXPECT_TRUE(parsed) << summary(parsed.error());
  return *std::move(parsed);
}

template <class T>
std::string reason(const Result<T>& result) {
  if (result) return "accepted";
  EXPECT_TRUE(is_fault(result.error(), Fault::Kind::Usage));
  return summary(result.error());
}

TEST(Config, ReadsEachKindOfValue) {
  const Config car = config("vin = \"V1\"\npoll = 60\n[link]\nopen = true\npeers = [\"a\", \"b\"]\n");
  EXPECT_EQ(*car.string("vin"), "V1");
  EXPECT_EQ(*car.integer("poll"), 60);
  EXPECT_EQ(*car.boolean_or("link.open", false), true);
  EXPECT_EQ(*car.strings("link.peers"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(car.refuse_unknown());
}

TEST(Config, FallsBackWhereAKeyIsAbsent) {
  const Config car = config("");
  EXPECT_EQ(*car.string_or("vin", "none"), "none");
  EXPECT_EQ(*car.integer_or("poll", 60, 1, 100), 60);
  EXPECT_EQ(*car.find_string("vin"), std::nullopt);
  EXPECT_TRUE(car.strings("peers")->empty());
  EXPECT_TRUE(car.tables("ecu")->empty());
}

TEST(Config, NamesFileLineAndKeyOfAWrongKind) {
  const Config car = config("a = 1\nvin = 7\nlist = [\"a\",\n 2]\nopen = \"yes\"\n");
  EXPECT_EQ(reason(car.string("vin")), "car.toml, line 2: vin must be a string");
  EXPECT_EQ(reason(car.strings("list")), "car.toml, line 4: list must be a list of strings");
  EXPECT_EQ(reason(car.strings("a")), "car.toml, line 1: a must be a list of strings");
  EXPECT_EQ(reason(car.boolean_or("open", true)), "car.toml, line 5: open must be true or false");
  EXPECT_EQ(reason(car.tables("a")), "car.toml, line 1: a must be written as [[a]]");
  EXPECT_EQ(reason(car.string("none")), "car.toml: none is missing");
}

TEST(Config, NeverReadsAFloatOrAStringAsAnInteger) {
  const Config car = config("a = 1.0\nb = \"1\"\n");
  EXPECT_FALSE(car.integer("a"));
  EXPECT_FALSE(car.integer("b"));
}

TEST(Config, NamesTheLineOfANumberOutOfRange) {
  const Config car = config("\npoll = 0\n");
  EXPECT_EQ(reason(car.integer_or("poll", 60, 1, 100)), "car.toml, line 2: poll must be from 1 to 100");
}

TEST(Config, RefusesTheFirstKeyThatNobodyAskedFor) {
  const Config car =
      config("vin = \"V1\"\n[link]\nport = 1\nprot = 2\n[[ecu]]\nserial = \"E1\"\nseral = \"E1\"\n");
  (void)car.string("vin");
  (void)car.integer("link.port");
  EXPECT_EQ(reason(car.refuse_unknown()), "car.toml, line 4: unknown key link.prot");
  (void)car.integer("link.prot");
  const auto ecus = car.tables("ecu");
  ASSERT_TRUE(ecus);
  (void)ecus->at(0).string("serial");
  EXPECT_EQ(reason(car.refuse_unknown()), "car.toml, line 7: unknown key ecu.seral");
}

TEST(Config, ReadsTablesInOrderAndNamesTheirLines) {
  const Config car = config("[[ecu]]\nserial = \"E1\"\n[[ecu]]\nserial = 2\n[[ecu]]\n");
  const auto ecus = car.tables("ecu");
  ASSERT_TRUE(ecus);
  ASSERT_EQ(ecus->size(), 3U);
  EXPECT_EQ(*ecus->at(0).string("serial"), "E1");
  EXPECT_EQ(reason(ecus->at(1).string("serial")), "car.toml, line 4: serial must be a string");
  EXPECT_EQ(reason(ecus->at(2).string("serial")), "car.toml, line 5: serial is missing");
}

TEST(Config, RefusesWhatIsNoTomlWithItsLine) {
  for (const char* text :
       {"a = \n", "a = 1\na = 2\n", "[x\n", "a = \"\xFF\"\n", "\x01", "[a\u0494]\n", "\u00fc = 1\n"}) {
    EXPECT_EQ(reason(Config::parse(text, "car.toml")).find("car.toml, line "), 0U) << text;
  }
}

TEST(Config, TakesAnyLetterWithinAStringAndAComment) {
  const Config car = config("a = \"\u00fc\" # \u00fc\nb = \"\"\"x\\\n \u0494\"\"\"\n");
  EXPECT_EQ(*car.string("a"), "\u00fc");
  EXPECT_EQ(*car.string("b"), "x\u0494");
}

TEST(Config, CountsPathsFromTheFilesFolder) {
  const sim::TempDir dir;
  const auto file = dir.path() / "car.toml";
  ASSERT_TRUE(write_atomically(file, as_bytes("slot = \"slots/a.bin\"\nlog = \"/var/log/car\"\n")));
  const auto car = Config::read(file);
  ASSERT_TRUE(car);
  EXPECT_EQ(*car->path("slot"), dir.path() / "slots/a.bin");
  EXPECT_EQ(*car->path("log"), "/var/log/car");
  EXPECT_TRUE(is_fault(Config::read(dir.path() / "no.toml").error(), Fault::Kind::NotFound));
}

}  // namespace
}  // namespace cotter::host
