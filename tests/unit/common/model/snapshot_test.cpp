#include <gtest/gtest.h>

#include "common/model/roles.h"
#include "tests/unit/common/model/documents.h"

namespace cotter::model {
namespace {

using test::changed;
using test::tuf;
using test::vehicle;

json::Value entry() { return json::Object{{"version", 1}}; }

// FMT-45, FMT-46
TEST(Snapshot, ReadsEachRoleByItsName) {
  const Snapshot snapshot = Snapshot::decode(test::snapshot(), Profile::Vehicle).value();
  EXPECT_EQ(snapshot.version, Version(61));
  EXPECT_EQ(snapshot.meta.find(targets_role())->length, 2210U);
  EXPECT_EQ(snapshot.meta.find(RoleName("supplier-bosch"))->version, Version(3));
  EXPECT_FALSE(snapshot.meta.find(RoleName("supplier-bosch"))->hashes);
  EXPECT_EQ(snapshot.vin, VehicleId("WDB123"));
}

TEST(Snapshot, GoesThroughFilesInTheOrderOfTheirNames) {
  // A file's ".json" sorts behind the '-' of names that begin with its own.
  const std::vector<std::string> roles = {"fw--1", "fw-.a", "fw-", "fw-0-", "fw-0",
                                          "fw-1",  "fw.a",  "fw",  "fwx"};
  json::Object meta;
  for (std::size_t i = 0; i < roles.size(); ++i)
    meta.set(roles[i] + ".json", json::Object{{"version", static_cast<int>(i) + 1}});
  const json::Value document = changed(test::snapshot(), {"meta"}, meta);
  const Snapshot snapshot = Snapshot::decode(document, Profile::Vehicle).value();
  std::vector<std::string> read;
  for (const MetaFiles::Entry entry : snapshot.meta) {
    read.emplace_back(entry.role);
    EXPECT_EQ(entry.version, Version(read.size())) << entry.role;
    EXPECT_EQ(snapshot.meta.find(RoleName(read.back()))->version, entry.version) << entry.role;
  }
  EXPECT_EQ(read, roles);
  EXPECT_EQ(snapshot.encode(), document);
}

TEST(Snapshot, KeepsWhatItDoesNotKnowOfAnEntryUntilThatIsSetAnew) {
  const json::Object entry = {{"version", 2}, {"x-note", "n"}};
  Snapshot snapshot =
      Snapshot::decode(changed(test::snapshot(), {"meta", "a.json"}, entry), Profile::Vehicle).value();
  const Snapshot before = snapshot;
  EXPECT_EQ(snapshot.meta.find(RoleName("a"))->unknown, (json::Object{{"x-note", "n"}}));
  FileMeta next;
  next.version = Version(3);
  snapshot.meta.set(RoleName("a"), next);
  snapshot.meta.erase(targets_role());
  EXPECT_EQ(snapshot.meta.find(RoleName("a"))->version, Version(3));
  EXPECT_TRUE(snapshot.meta.find(RoleName("a"))->unknown.empty());
  EXPECT_FALSE(snapshot.meta.find(targets_role()));
  EXPECT_EQ(before.meta.find(RoleName("a"))->version, Version(2)) << "a copy must not change with it";
  EXPECT_TRUE(before.meta.find(targets_role()));
}

// FMT-47
TEST(Snapshot, KeepsALegacyEntryForTheRoot) {
  EXPECT_TRUE(Snapshot::decode(test::snapshot(), Profile::Vehicle).value().meta.find(root_role()));
}

TEST(Snapshot, RefusesNamesThatAreNoMetadataFile) {
  for (const char* name : {"targets", "targets.JSON", ".json", ""}) {
    EXPECT_EQ(tuf<Snapshot>(changed(test::snapshot(), {"meta", name}, entry())), "member-wrong-kind") << name;
    EXPECT_EQ(vehicle<Snapshot>(changed(test::snapshot(), {"meta", name}, entry())), "member-wrong-kind")
        << name;
  }
}

// FMT-73
TEST(Snapshot, TakesAnyRoleNameOutsideVehicles) {
  const json::Value document = changed(test::snapshot(), {"meta", "../gr\xC3\xBCn/a.json"}, entry());
  EXPECT_EQ(tuf<Snapshot>(document), "accepted");
  EXPECT_EQ(vehicle<Snapshot>(document), "role-name-unsafe");
}

TEST(Snapshot, RefusesEntriesWithoutVersion) {
  EXPECT_EQ(tuf<Snapshot>(changed(test::snapshot(), {"meta", "a.json"}, json::Object{})), "member-missing");
  EXPECT_EQ(tuf<Snapshot>(changed(test::snapshot(), {"meta", "a.json"}, json::Object{{"version", 0}})),
            "version-zero");
  EXPECT_EQ(tuf<Snapshot>(changed(test::snapshot(), {"meta", "a.json"}, 7)), "member-wrong-kind");
}

// ATK-38
TEST(Snapshot, RefusesATimestampInItsPlace) {
  EXPECT_EQ(vehicle<Snapshot>(test::timestamp()), "role-type-wrong");
}

}  // namespace
}  // namespace cotter::model
