#include <gtest/gtest.h>

#include "common/model/roles.h"
#include "tests/unit/common/model/documents.h"

namespace cotter::model {
namespace {

using test::changed;
using test::tuf;
using test::vehicle;
using test::without;

TEST(Timestamp, ReadsWhatTheSnapshotMustBe) {
  const Timestamp timestamp = Timestamp::decode(test::timestamp(), Profile::Vehicle).value();
  EXPECT_EQ(timestamp.version, Version(91));
  EXPECT_EQ(timestamp.snapshot.version, Version(61));
  EXPECT_EQ(timestamp.snapshot.length, 1007U);
  EXPECT_TRUE(timestamp.snapshot.hashes->match({}));
  EXPECT_EQ(timestamp.vin, VehicleId("WDB123"));
}

// FMT-40
TEST(Timestamp, ListsTheSnapshotAndNothingElse) {  // FMT-41
  const json::Value entry = test::parse(R"({"version":1})");
  const json::Value more = changed(test::timestamp(), {"meta", "targets.json"}, entry);
  const json::Value none = changed(test::timestamp(), {"meta"}, json::Object{});
  const json::Value another = changed(test::timestamp(), {"meta"}, json::Object{{"targets.json", entry}});
  for (const json::Value& document : {more, none, another}) {
    EXPECT_EQ(tuf<Timestamp>(document), "timestamp-meta-not-only-snapshot");
    EXPECT_EQ(vehicle<Timestamp>(document), "timestamp-meta-not-only-snapshot");
  }
}

// FMT-40, GAP-39
TEST(Timestamp, AsksVehiclesForLengthAndHashes) {
  for (const char* member : {"length", "hashes"}) {
    const json::Value document = without(test::timestamp(), {"meta", "snapshot.json", member});
    EXPECT_EQ(tuf<Timestamp>(document), "accepted") << member;
    EXPECT_EQ(vehicle<Timestamp>(document), "member-missing") << member;
  }
}

// FMT-4, FMT-50
TEST(Timestamp, RefusesEntriesItCannotUse) {
  EXPECT_EQ(tuf<Timestamp>(changed(test::timestamp(), {"meta", "snapshot.json", "version"}, 0)),
            "version-zero");
  EXPECT_EQ(tuf<Timestamp>(without(test::timestamp(), {"meta", "snapshot.json", "version"})),
            "member-missing");
  EXPECT_EQ(tuf<Timestamp>(changed(test::timestamp(), {"meta", "snapshot.json", "length"}, "7")),
            "member-wrong-kind");
  EXPECT_EQ(tuf<Timestamp>(changed(test::timestamp(), {"meta", "snapshot.json", "hashes"}, json::Object{})),
            "hashes-empty");
  EXPECT_EQ(tuf<Timestamp>(changed(test::timestamp(), {"meta", "snapshot.json", "hashes", "sha256"}, "00")),
            "hash-length-wrong");
}

// FMT-61
TEST(Timestamp, NamesItsVehicleOrNone) {
  EXPECT_FALSE(Timestamp::decode(without(test::timestamp(), {"vin"}), Profile::Vehicle).value().vin);
  EXPECT_EQ(vehicle<Timestamp>(changed(test::timestamp(), {"vin"}, "../WDB")), "member-wrong-kind");
  EXPECT_EQ(tuf<Timestamp>(changed(test::timestamp(), {"vin"}, 7)), "member-wrong-kind");
}

// ATK-38
TEST(Timestamp, RefusesASnapshotInItsPlace) {
  EXPECT_EQ(vehicle<Timestamp>(test::snapshot()), "role-type-wrong");
  EXPECT_EQ(vehicle<Timestamp>(test::root()), "role-type-wrong");
}

}  // namespace
}  // namespace cotter::model
