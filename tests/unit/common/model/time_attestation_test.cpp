#include "common/model/time_attestation.h"

#include <gtest/gtest.h>

#include "common/model/roles.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/model/documents.h"

namespace cotter::model {
namespace {

using test::changed;
using test::verdict;
using test::without;

json::Value document() {
  return test::parse(R"({"_type":"time-attestation","time":"2026-11-22T04:00:00Z","x-note":"kept",
    "nonces":["000102030405060708090a0b0c0d0e0f","f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"]})");
}

std::string judged(const json::Value& value) {
  return verdict(TimeAttestation::decode(value, Profile::Vehicle));
}

// FMT-90, FMT-12
TEST(TimeAttestation, ReadsTimeAndNonces) {
  const TimeAttestation attestation = TimeAttestation::decode(document(), Profile::Vehicle).value();
  EXPECT_EQ(format_utc(attestation.time), "2026-11-22T04:00:00Z");
  ASSERT_EQ(attestation.nonces.size(), 2U);
  EXPECT_EQ(attestation.nonces[0], Nonce("000102030405060708090a0b0c0d0e0f"));
}

// FMT-9
TEST(TimeAttestation, GivesBackWhatItRead) {
  EXPECT_EQ(TimeAttestation::decode(document(), Profile::Vehicle).value().encode(), document());
}

// FMT-90
// TIM-10
TEST(TimeAttestation, MaySayWhichVehicleAsked) {
  const json::Value with = changed(document(), {"vin"}, "VIN-1");
  EXPECT_EQ(TimeAttestation::decode(with, Profile::Vehicle).value().vin, VehicleId("VIN-1"));
  EXPECT_EQ(TimeAttestation::decode(with, Profile::Vehicle).value().encode(), with);
  EXPECT_FALSE(TimeAttestation::decode(document(), Profile::Vehicle).value().vin);
  EXPECT_EQ(judged(changed(document(), {"vin"}, "not one")), "member-wrong-kind");
}

// TIM-10
TEST(TimeRequest, SaysItsNoncesAndItsVehicle) {
  TimeRequest request;
  request.nonces = {Nonce("000102030405060708090a0b0c0d0e0f")};
  request.vin = VehicleId("VIN-1");
  const TimeRequest read = TimeRequest::read(request.wire()).value();
  EXPECT_EQ(read.nonces, request.nonces);
  EXPECT_EQ(read.vin, request.vin);
  EXPECT_EQ(as_text(request.wire()), R"({"nonces":["000102030405060708090a0b0c0d0e0f"],"vin":"VIN-1"})");
}

TEST(TimeRequest, IsRefusedWhenItIsNone) {
  const auto reading = [](const std::string& text) { return verdict(TimeRequest::read(as_bytes(text))); };
  EXPECT_EQ(reading("{"), "json-malformed");
  EXPECT_EQ(reading("{}"), "member-missing");
  EXPECT_EQ(reading(R"({"nonces":[]})"), "member-wrong-kind");
  EXPECT_EQ(reading(R"({"nonces":["00"]})"), "member-wrong-kind");
  EXPECT_EQ(reading(R"({"nonces":["000102030405060708090a0b0c0d0e0f"],"vin":"a b"})"), "member-wrong-kind");
  EXPECT_EQ(reading(std::string(kMaxTimeRequestBytes + 1, ' ')), "file-too-large");
}

TEST(TimeAttestation, ANonceIs128BitsOfLowerCaseHex) {
  EXPECT_EQ(nonce_of(Bytes(kNonceBytes, 0xa5)), Nonce("a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"));
  for (const char* bad : {"", "00", "000102030405060708090a0b0c0d0e0F", "000102030405060708090a0b0c0d0e0g",
                          "000102030405060708090a0b0c0d0e0f00"}) {
    EXPECT_FALSE(is_nonce(bad)) << bad;
    EXPECT_EQ(judged(changed(document(), {"nonces", "0"}, bad)), "member-wrong-kind") << bad;
  }
  EXPECT_EQ(judged(changed(document(), {"nonces", "0"}, 2147483647)), "member-wrong-kind");
}

TEST(TimeAttestation, HasFromOneToSoManyNoncesEachOnce) {
  const char* same = "000102030405060708090a0b0c0d0e0f";
  EXPECT_EQ(judged(changed(document(), {"nonces", "1"}, same)), "member-wrong-kind");
  EXPECT_EQ(judged(changed(document(), {"nonces"}, json::Array{})), "member-wrong-kind");
  json::Array many;
  for (std::size_t i = 0; i < kMaxNonces; ++i) {
    Bytes bytes(kNonceBytes, 0);
    bytes[0] = static_cast<std::uint8_t>(i);
    bytes[1] = static_cast<std::uint8_t>(i >> 8U);
    many.emplace_back(nonce_of(bytes).value());
  }
  EXPECT_EQ(judged(changed(document(), {"nonces"}, many)), "accepted");
  many.emplace_back(nonce_of(Bytes(kNonceBytes, 0xff)).value());
  EXPECT_EQ(judged(changed(document(), {"nonces"}, many)), "member-wrong-kind");
}

TEST(TimeAttestation, RefusesWhatIsMissingOrOfAnotherKind) {
  for (const char* member : {"time", "nonces", "_type"}) {
    EXPECT_EQ(judged(without(document(), {member})), "member-missing") << member;
    EXPECT_EQ(judged(changed(document(), {member}, 7)), "member-wrong-kind") << member;
  }
  EXPECT_EQ(judged(changed(document(), {"time"}, "2026-11-22T04:00:00.0Z")), "date-malformed");
}

// ATK-38
TEST(TimeAttestation, TakesNoOtherDocumentForOne) {
  EXPECT_EQ(judged(test::timestamp()), "role-type-wrong");
  EXPECT_EQ(judged(changed(document(), {"_type"}, "timestamp")), "role-type-wrong");
  EXPECT_EQ(verdict(Timestamp::decode(document(), Profile::Vehicle)), "role-type-wrong");
}

}  // namespace
}  // namespace cotter::model
