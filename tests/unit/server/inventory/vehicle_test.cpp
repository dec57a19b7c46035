#include "server/inventory/vehicle.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/model/documents.h"
#include "tests/unit/server/fleet.h"

namespace cotter::inventory {
namespace {

using test::changed;
using test::verdict;
using test::without;

json::Value record() { return test::factory_record("VIN-1").encode(); }
std::string judged(const json::Value& value) { return verdict(VehicleRecord::decode(value)); }

TEST(VehicleRecord, ReadsBackWhatItWrites) {
  const auto read = VehicleRecord::decode(record());
  ASSERT_TRUE(read) << explain(read.error());
  EXPECT_EQ(read->encode(), record());
  EXPECT_EQ(read->ecus[2].verification, Verification::Partial);
}

TEST(VehicleRecord, RefusesIdentifiersThatNoFolderOrHeaderMayHold) {  // GAP-31
  EXPECT_EQ(judged(changed(record(), {"vin"}, "")), "member-wrong-kind");
  EXPECT_EQ(judged(changed(record(), {"vin"}, "../other")), "member-wrong-kind");
  EXPECT_EQ(judged(changed(record(), {"ecus", "1", "serial"}, "two words")), "member-wrong-kind");
  EXPECT_EQ(judged(changed(record(), {"ecus", "1", "hardware_id"}, std::string(129, 'x'))),
            "member-wrong-kind");
}

TEST(VehicleRecord, RefusesRecordThatLacksAMember) {
  EXPECT_EQ(judged(json::Array{}), "member-wrong-kind");
  EXPECT_EQ(judged(without(record(), {"ecus"})), "member-missing");
  for (const char* member :
       {"serial", "hardware_id", "primary", "verification", "key", "installed_image", "release_counter"}) {
    EXPECT_EQ(judged(without(record(), {"ecus", "0", member})), "member-missing") << member;
  }
}

TEST(VehicleRecord, RefusesUnknownVerificationAndUnsafeImageName) {  // PVS-7
  EXPECT_EQ(judged(changed(record(), {"ecus", "0", "verification"}, "none")), "member-wrong-kind");
  EXPECT_EQ(judged(changed(record(), {"ecus", "0", "installed_image", "name"}, "../x.bin")),
            "target-name-unsafe");
}

TEST(VehicleRecord, RefusesKeyThatVerifiesNothing) {
  EXPECT_EQ(judged(changed(record(), {"ecus", "0", "key", "keytype"}, "sphincs")), "member-wrong-kind");
}

TEST(VehicleRecord, AsksForExactlyOnePrimary) {  // DIR-10
  EXPECT_EQ(judged(changed(record(), {"ecus", "0", "primary"}, false)), "fault");
  EXPECT_EQ(judged(changed(record(), {"ecus", "1", "primary"}, true)), "fault");
  EXPECT_EQ(judged(changed(record(), {"ecus"}, json::Array{})), "fault");
}

TEST(VehicleRecord, AsksForASerialAndAKeyOfItsOwnForEachEcu) {  // DIR-12
  EXPECT_EQ(judged(changed(record(), {"ecus", "1", "serial"}, "DOOR")), "fault");
  const json::Value key = test::NumberedSigner(3).public_key().encode();
  EXPECT_EQ(judged(changed(record(), {"ecus", "1", "key"}, key)), "fault");
}

}  // namespace
}  // namespace cotter::inventory
