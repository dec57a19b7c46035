#include "server/inventory/vehicle_file.h"

#include <gtest/gtest.h>

#include <sstream>

#include "common/json/canonical.h"
#include "tests/unit/server/fleet.h"

namespace cotter::inventory {
namespace {

using Form = VehicleFile::Form;

const std::string kHead =
    "vin,serial,hardware_id,primary,verification,keytype,scheme,public,installed_image,image_length,"
    "image_sha256,release_counter\n";

std::string public_of(const EcuRecord& ecu) {
  const json::Value key = ecu.key.encode();
  return std::string(key.as_object()->find("keyval")->as_object()->find("public")->as_string()->view());
}

/// As CSV would have it.
std::string rows_of(const VehicleRecord& vehicle) {
  std::string rows;
  for (const EcuRecord& ecu : vehicle.ecus) {
    rows += vehicle.vin.value() + "," + ecu.serial.value() + "," + ecu.hardware_id.value() + "," +
            (ecu.primary ? "true" : "false") + "," + std::string(name_of(ecu.verification)) +
            ",ed25519,ed25519," + public_of(ecu) + "," + ecu.image.name.value() + "," +
            std::to_string(ecu.image.length) + "," +
            to_hex(*ecu.image.hashes.find(crypto::HashFunction::Sha256)) + "," +
            std::to_string(ecu.release_counter.value()) + "\n";
  }
  return rows;
}

struct ReadAll {
  std::vector<ListedVehicle> vehicles;
  std::string fault;  ///< that ended it
};

ReadAll read_all(const std::string& text, Form form) {
  ReadAll all;
  auto file = VehicleFile::read(std::make_unique<std::istringstream>(text), form);
  if (!file) return {{}, summary(file.error())};
  for (;;) {
    auto next = (*file)->next();
    if (!next) {
      EXPECT_TRUE(is_fault(next.error(), Fault::Kind::Usage));
      all.fault = summary(next.error());
      return all;
    }
    if (!*next) break;
    all.vehicles.push_back(*std::move(*next));
  }
  EXPECT_EQ((*file)->bytes_read(), text.size());
  return all;
}

const VehicleRecord kOne = test::factory_record("VIN-1", "1-", 1);
const VehicleRecord kTwo = test::factory_record("VIN-2", "2-", 11);

void expect_both(const ReadAll& all) {
  EXPECT_EQ(all.fault, "");
  ASSERT_EQ(all.vehicles.size(), 2U);
  for (const auto& [listed, meant] : {std::pair(all.vehicles[0], kOne), std::pair(all.vehicles[1], kTwo)}) {
    ASSERT_TRUE(listed.record) << listed.wrong.front().why;
    EXPECT_EQ(listed.record->vin, meant.vin);
    EXPECT_EQ(listed.record->ecus.size(), meant.ecus.size());
    for (std::size_t i = 0; i < meant.ecus.size(); ++i) {
      EXPECT_EQ(listed.record->ecus.at(i).serial, meant.ecus[i].serial);
      EXPECT_EQ(listed.record->ecus.at(i).key.material(), meant.ecus[i].key.material());
      EXPECT_EQ(listed.record->ecus.at(i).verification, meant.ecus[i].verification);
      EXPECT_EQ(listed.record->ecus.at(i).release_counter, meant.ecus[i].release_counter);
      EXPECT_TRUE(listed.record->ecus.at(i).image.hashes.agrees_with(meant.ecus[i].image.hashes));
    }
  }
}

TEST(VehicleFile, ReadsJsonLines) {
  const std::string one = json::to_text(kOne.encode()), two = json::to_text(kTwo.encode());
  expect_both(read_all(one + "\n" + two + "\n", Form::JsonLines));
  expect_both(read_all(one + "\r\n\r\n\n  \n" + two, Form::JsonLines));
  EXPECT_EQ(read_all(one + "\n\n" + two, Form::JsonLines).vehicles.at(1).line, 3U);
  EXPECT_TRUE(read_all("", Form::JsonLines).vehicles.empty());
}

TEST(VehicleFile, ReadsCsvInAnyFormOfIt) {
  const std::string rows = rows_of(kOne) + rows_of(kTwo);
  expect_both(read_all(kHead + rows, Form::Csv));
  expect_both(read_all("\xef\xbb\xbf" + kHead + rows, Form::Csv));
  std::string windows;
  for (const char c : kHead + rows) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  expect_both(read_all(windows, Form::Csv));
  std::string quoted = "\"";
  for (const char c : kHead + rows)
    quoted += c == '\n' ? std::string("\"\n\"") : c == ',' ? std::string("\",\"") : std::string(1, c);
  quoted.pop_back();
  expect_both(read_all(quoted, Form::Csv));
  EXPECT_EQ(read_all(kHead + rows, Form::Csv).vehicles.at(1).line, 5U);
}

TEST(VehicleFile, TellsOfEachLineThatIsWrongAndGoesOn) {
  std::string rows = rows_of(kOne);
  const auto replace = [&](const std::string& what, const std::string& with) {
    const auto at = rows.find(what);
    ASSERT_NE(at, std::string::npos);
    rows.replace(at, what.size(), with);
  };
  replace("1-GATEWAY", "two words");
  replace("partial", "hardly");
  const ReadAll all = read_all(kHead + rows + rows_of(kTwo), Form::Csv);
  ASSERT_EQ(all.vehicles.size(), 2U) << all.fault;
  EXPECT_FALSE(all.vehicles[0].record) << "never a vehicle without those of its ECUs that are wrong";
  ASSERT_EQ(all.vehicles[0].wrong.size(), 2U);
  EXPECT_EQ(all.vehicles[0].wrong[0].line, 2U);
  EXPECT_EQ(all.vehicles[0].wrong[1].line, 4U);
  EXPECT_EQ(all.vehicles[0].wrong[1].vin, "VIN-1");
  EXPECT_NE(all.vehicles[0].wrong[1].why.find("hardly"), std::string::npos) << all.vehicles[0].wrong[1].why;
  EXPECT_TRUE(all.vehicles[1].record);

  const std::string two = json::to_text(kTwo.encode());
  const ReadAll lines = read_all("{\"vin\":\"VIN-1\",\"ecus\":[]}\n{\n" + two + "\n", Form::JsonLines);
  ASSERT_EQ(lines.vehicles.size(), 3U);
  EXPECT_EQ(lines.vehicles[0].wrong.at(0).vin, "VIN-1");
  EXPECT_EQ(lines.vehicles[1].wrong.at(0).line, 2U);
  EXPECT_TRUE(lines.vehicles[2].record);
}

TEST(VehicleFile, NeverTakesAPartOfAVehicleForTheWhole) {
  const std::string one = rows_of(kOne);
  const std::string first_row = one.substr(0, one.find('\n') + 1), rest = one.substr(first_row.size());
  const ReadAll apart = read_all(kHead + first_row + rows_of(kTwo) + rest, Form::Csv);
  EXPECT_NE(apart.fault.find("VIN-1 again"), std::string::npos) << apart.fault;
  const ReadAll cut = read_all(kHead + first_row + "VIN-1,1-BRAKE\n" + rows_of(kTwo), Form::Csv);
  EXPECT_NE(cut.fault.find("line 3 has 2 fields"), std::string::npos) << cut.fault;
  const ReadAll no_primary = read_all(kHead + rest, Form::Csv);
  ASSERT_EQ(no_primary.vehicles.size(), 1U);
  EXPECT_FALSE(no_primary.vehicles[0].record);
}

TEST(VehicleFile, IsReadNoFurtherThanItIsCsv) {
  const auto ends = [](const std::string& text, std::string_view part) {
    const ReadAll all = read_all(text, Form::Csv);
    return all.fault.find(part) != std::string::npos ? "" : "said: " + all.fault;
  };
  EXPECT_EQ(ends(kHead + "\"VIN-1,a\nb\n", "line 2 is no CSV: a quote is never closed"), "");
  EXPECT_EQ(ends(kHead + "VIN\"1,\n", "a quote within a field"), "");
  EXPECT_EQ(ends(kHead + "\"VIN\"1,\n", "something follows a closing quote"), "");
  EXPECT_EQ(ends(kHead + "\"" + std::string(70'000, 'x') + "\"\n", "more than 64 KiB"), "");
  EXPECT_EQ(ends(kHead + std::string(70'000, 'x') + "\n", "more than 64 KiB"), "");
  EXPECT_EQ(ends("", "the file is empty"), "");
  EXPECT_EQ(ends("vin,serial\n", "has no column hardware_id"), "");
  EXPECT_EQ(ends("vin,colour\n", "not known: colour"), "");
  EXPECT_EQ(ends("vin,vin\n", "has vin twice"), "");
  EXPECT_NE(read_all(std::string((1U << 20U) + 2, 'x'), Form::JsonLines).fault.find("more than 1 MiB"),
            std::string::npos);
}

}  // namespace
}  // namespace cotter::inventory
