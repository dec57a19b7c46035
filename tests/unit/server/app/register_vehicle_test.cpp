#include "server/app/register_vehicle.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::app {
namespace {

using test::Depot;
using test::factory_record;
using test::kVin;
using test::verdict;

std::string added(const Depot& depot, const inventory::VehicleRecord& record) {
  host::Db db = depot.database();
  const std::string text = json::to_text(record.encode());
  const auto result = register_vehicle(db, as_bytes(text), depot.clock.time);
  return result ? "accepted" : summary(result.error());
}

/// What the vehicle of factory_record() posts to /director/ecus.
json::Object claims() {
  json::Array ecus;
  for (const inventory::EcuRecord& ecu : factory_record("VIN-1").ecus) {
    ecus.push_back(json::Object{{"ecu_serial", ecu.serial.value()},
                                {"hardware_identifier", ecu.hardware_id.value()},
                                {"clientKey", ecu.key.encode()}});
  }
  return json::Object{{"primary_ecu_serial", "GATEWAY"}, {"ecus", std::move(ecus)}};
}
Result<RegistrationReceipt> confirm(const Depot& depot, const json::Object& body) {
  host::Db db = depot.database();
  const std::string text = json::to_text(json::Value(body));
  return confirm_ecus(db, kVin, as_bytes(text), depot.clock.time);
}

TEST(RegisterVehicle, KeepsTheFactorysRecord) {  // DIR-10, DIR-11
  Depot depot;
  ASSERT_EQ(added(depot, factory_record("VIN-1")), "accepted");
  const auto vehicle = depot.vehicle();
  const auto record = factory_record("VIN-1");
  ASSERT_EQ(vehicle.ecus.size(), record.ecus.size());
  for (std::size_t i = 0; i < record.ecus.size(); ++i) {
    EXPECT_EQ(vehicle.ecus[i].record.encode(), record.ecus[i].encode());
    EXPECT_EQ(vehicle.ecus[i].floor, record.ecus[i].release_counter);
    EXPECT_FALSE(vehicle.ecus[i].reported);
    EXPECT_FALSE(vehicle.ecus[i].desired);
  }
}

TEST(RegisterVehicle, RefusesVehicleSerialOrKeyThatIsRecordedAlready) {  // DIR-12
  Depot depot;
  ASSERT_EQ(added(depot, factory_record("VIN-1")), "accepted");
  EXPECT_EQ(added(depot, factory_record("VIN-1", "B-", 11)), "vehicle VIN-1 is in the inventory already");
  EXPECT_EQ(added(depot, factory_record("VIN-2", "", 11)),
            "ECU GATEWAY of vehicle VIN-1 is in the inventory already");
  EXPECT_EQ(added(depot, factory_record("VIN-2", "B-", 3)),
            "ECU B-GATEWAY has the key of ECU DOOR of vehicle VIN-1");
  EXPECT_EQ(depot.count("vehicle"), 1);
  EXPECT_EQ(depot.count("ecu"), 3);
}

TEST(RegisterVehicle, RefusesWhatIsNoRecord) {
  Depot depot;
  host::Db db = depot.database();
  EXPECT_EQ(verdict(register_vehicle(db, as_bytes("{"), depot.clock.time)), "json-malformed");
  EXPECT_EQ(verdict(register_vehicle(db, as_bytes(R"({"vin":"A","vin":"B"})"), depot.clock.time)),
            "json-duplicate-key");
  EXPECT_EQ(verdict(register_vehicle(db, as_bytes("\"\xff\""), depot.clock.time)), "json-malformed");
  const std::string huge(kMaxVehicleRecordBytes + 1, ' ');
  EXPECT_EQ(verdict(register_vehicle(db, as_bytes(huge), depot.clock.time)), "file-too-large");
  EXPECT_EQ(depot.count("vehicle"), 0);
}

TEST(ConfirmEcus, ConfirmsWhatTheFactoryRecorded) {  // FMT-85
  Depot depot;
  depot.add_vehicle();
  const auto receipt = confirm(depot, claims());
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->confirmed.size(), 3U);
  EXPECT_TRUE(receipt->pending.empty());
  EXPECT_TRUE(depot.signals().empty());
}

TEST(ConfirmEcus, NeverAcceptsAnotherKeyForAKnownSerial) {  // ATK-45, DIR-14
  Depot depot;
  depot.add_vehicle();
  json::Object body = claims();
  json::Value& brake = body.find("ecus")->as_array()->at(1);
  brake.as_object()->set("clientKey", test::NumberedSigner(99).public_key().encode());
  for (int repeats = 0; repeats < 2; ++repeats) {
    const auto receipt = confirm(depot, body);
    ASSERT_TRUE(receipt) << explain(receipt.error());
    EXPECT_EQ(receipt->pending, std::vector{EcuSerial("BRAKE")});
    EXPECT_EQ(receipt->confirmed.size(), 2U);
  }
  EXPECT_EQ(depot.vehicle().find(EcuSerial("BRAKE"))->record.key.material(),
            test::NumberedSigner(2).public_key().material());
  ASSERT_EQ(depot.signals().size(), 1U);
  EXPECT_EQ(depot.signals()[0].kind, storage::SignalKind::UnannouncedEcu);
  EXPECT_EQ(depot.count("pending_ecu"), 1);
  test::VehicleVoice voice;
  voice.reports.at("BRAKE").key = 99;
  host::Db db = depot.database();
  EXPECT_EQ(verdict(accept_manifest(db, kVin, voice.wire(), depot.clock.time)), "manifest-signature-wrong");
}

TEST(ConfirmEcus, KeepsUnknownEcuAndOtherHardwareForAPerson) {  // DIR-14
  Depot depot;
  depot.add_vehicle();
  json::Object body = claims();
  json::Array& ecus = *body.find("ecus")->as_array();
  ecus.at(1).as_object()->set("hardware_identifier", "brake-mk5");
  ecus.at(2).as_object()->set("ecu_serial", "DOOR-2");
  const auto receipt = confirm(depot, body);
  ASSERT_TRUE(receipt) << explain(receipt.error());
  EXPECT_EQ(receipt->pending, (std::vector{EcuSerial("BRAKE"), EcuSerial("DOOR-2")}));
  EXPECT_EQ(depot.count("ecu"), 3);
  EXPECT_EQ(depot.count("pending_ecu"), 2);
}

TEST(ConfirmEcus, KeepsNoMoreThanAPersonCanReadOfAVehicleThatNamesEcusWithoutEnd) {  // ATK-45, ATK-50
  Depot depot;
  depot.add_vehicle();
  const json::Object honest = claims();
  for (int request = 0; request < 3; ++request) {
    json::Object body = honest;
    json::Array& ecus = *body.find("ecus")->as_array();
    for (int i = 0; i < 60; ++i) {
      json::Value another = ecus.at(2);
      another.as_object()->set("ecu_serial", "DOOR-" + std::to_string(request) + "-" + std::to_string(i));
      ecus.push_back(std::move(another));
    }
    const auto receipt = confirm(depot, body);
    ASSERT_TRUE(receipt) << explain(receipt.error());
    EXPECT_EQ(receipt->pending.size(), 60U);
    EXPECT_EQ(receipt->confirmed.size(), 3U);
  }
  EXPECT_EQ(depot.count("pending_ecu"), std::int64_t{storage::kMaxPendingEcus});
  EXPECT_EQ(depot.signals().size(), storage::kMaxPendingEcus + 1);
  EXPECT_NE(depot.signals().back().detail.find("without end"), std::string::npos);
}

TEST(ConfirmEcus, NotesAKeyThatIsNamedAgainAndAgainOnce) {  // ATK-45
  Depot depot;
  depot.add_vehicle();
  json::Object body = claims();
  json::Value& brake = body.find("ecus")->as_array()->at(1);
  for (const std::uint8_t key : std::initializer_list<std::uint8_t>{98, 99, 98, 99}) {
    brake.as_object()->set("clientKey", test::NumberedSigner(key).public_key().encode());
    ASSERT_TRUE(confirm(depot, body));
  }
  EXPECT_EQ(depot.signals().size(), 2U);
}

TEST(ConfirmEcus, RefusesAnotherPrimaryAndWhatIsNoList) {
  Depot depot;
  depot.add_vehicle();
  json::Object body = claims();
  body.set("primary_ecu_serial", "BRAKE");
  EXPECT_EQ(verdict(confirm(depot, body)), "manifest-primary-wrong");
  body = claims();
  body.erase("ecus");
  EXPECT_EQ(verdict(confirm(depot, body)), "member-missing");
  body = claims();
  body.set("filler", std::string(kMaxRegistrationBytes, 'x'));
  EXPECT_EQ(verdict(confirm(depot, body)), "file-too-large");
}

}  // namespace
}  // namespace cotter::app
