#include <gtest/gtest.h>

#include "common/model/roles.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/model/documents.h"

namespace cotter::model {
namespace {

using test::changed;
using test::tuf;
using test::vehicle;
using test::verdict;
using test::without;

constexpr Profile kBoth[] = {Profile::Tuf, Profile::Vehicle};

TEST(Root, ReadsKeysAndRoles) {  // FMT-21
  const Root root = Root::decode(test::root(), Profile::Vehicle).value();
  EXPECT_EQ(root.version, Version(3));
  EXPECT_EQ(format_utc(root.expires), "2027-01-31T00:00:00Z");
  EXPECT_TRUE(root.consistent_snapshot);
  EXPECT_EQ(root.keys.size(), 3U);
  EXPECT_EQ(root.roles.at(root_role()).threshold, 2U);
  EXPECT_EQ(root.roles.at(root_role()).keyids, (std::vector{KeyId("k1"), KeyId("k2")}));
  EXPECT_EQ(*root.unknown.find("x-note")->as_string(), "kept");
}

// FMT-11, ATK-38: the type is judged first, whatever else is wrong with the file.
TEST(Root, RefusesAnotherTypeBeforeAllElse) {
  for (const Profile profile : kBoth) {
    for (const char* type : {"Root", "timestamp", "vehicle-manifest", ""}) {
      EXPECT_EQ(verdict(Root::decode(json::Object{{"_type", type}}, profile)), "role-type-wrong") << type;
    }
    EXPECT_EQ(verdict(Root::decode(json::Object{}, profile)), "member-missing");
    EXPECT_EQ(verdict(Root::decode(json::Object{{"_type", 7}}, profile)), "member-wrong-kind");
    EXPECT_EQ(verdict(Root::decode(json::Array{}, profile)), "member-wrong-kind");
  }
}

// FMT-5
TEST(Root, ReadsOnlySpecificationsOfMajorVersionOne) {
  const auto with = [](const char* version) { return changed(test::root(), {"spec_version"}, version); };
  for (const char* version : {"1.0.34", "1.2.3"}) {
    EXPECT_EQ(tuf<Root>(with(version)), "accepted") << version;
    EXPECT_EQ(vehicle<Root>(with(version)), "accepted") << version;
  }
  for (const char* version : {"1.0", "1.33", "1.0.0-draft", "1.0+local"}) {
    EXPECT_EQ(tuf<Root>(with(version)), "accepted") << version;
    EXPECT_EQ(vehicle<Root>(with(version)), "spec-version-unsupported") << version;
  }
  for (const char* version :
       {"", "1", "1.", "1.x", "2.0.0", "10.0.0", "0.9.9", "1.0.", "1.0.0.0", "1.0.34 ", "v1.0.0"}) {
    EXPECT_EQ(tuf<Root>(with(version)), "spec-version-unsupported") << version;
    EXPECT_EQ(vehicle<Root>(with(version)), "spec-version-unsupported") << version;
  }
}

// FMT-2
TEST(Root, RefusesFilesWithoutTheirMembers) {
  for (const Profile profile : kBoth) {
    for (const char* member : {"_type", "spec_version", "version", "expires", "keys", "roles"}) {
      EXPECT_EQ(verdict(Root::decode(without(test::root(), {member}), profile)), "member-missing") << member;
      EXPECT_EQ(verdict(Root::decode(changed(test::root(), {member}, json::Array{}), profile)),
                "member-wrong-kind")
          << member;
    }
  }
}

// FMT-4, FMT-8
TEST(Root, RefusesVersionZeroAndOddDates) {
  EXPECT_EQ(tuf<Root>(changed(test::root(), {"version"}, 0)), "version-zero");
  EXPECT_EQ(tuf<Root>(changed(test::root(), {"version"}, -1)), "member-wrong-kind");
  EXPECT_EQ(tuf<Root>(changed(test::root(), {"expires"}, "2027-01-31T00:00:00.5Z")), "date-malformed");
}

// FMT-103
TEST(Root, AsksVehiclesForConsistentSnapshots) {
  const json::Value off = changed(test::root(), {"consistent_snapshot"}, false);
  const json::Value absent = without(test::root(), {"consistent_snapshot"});
  EXPECT_EQ(vehicle<Root>(off), "consistent-snapshot-off");
  EXPECT_EQ(vehicle<Root>(absent), "consistent-snapshot-off");
  EXPECT_FALSE(Root::decode(off, Profile::Tuf).value().consistent_snapshot);
  EXPECT_FALSE(Root::decode(absent, Profile::Tuf).value().consistent_snapshot);
  EXPECT_EQ(tuf<Root>(changed(test::root(), {"consistent_snapshot"}, 1)), "member-wrong-kind");
}

// FMT-30
TEST(Root, NamesAllFourTopLevelRoles) {
  for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
    EXPECT_EQ(tuf<Root>(without(test::root(), {"roles", role})), "role-missing") << role;
    EXPECT_EQ(vehicle<Root>(without(test::root(), {"roles", role})), "role-missing") << role;
  }
}

// FMT-30, VER-T
TEST(Root, RefusesThresholdZero) {
  const json::Value document = changed(test::root(), {"roles", "targets", "threshold"}, 0);
  EXPECT_EQ(tuf<Root>(document), "threshold-zero");
  EXPECT_EQ(vehicle<Root>(document), "threshold-zero");
}

// FMT-30, FMT-22
TEST(Root, RefusesInVehiclesThresholdsThatItsKeysCannotMeet) {
  const json::Value above = changed(test::root(), {"roles", "root", "threshold"}, 3);
  EXPECT_EQ(vehicle<Root>(above), "threshold-above-keys");
  EXPECT_EQ(tuf<Root>(above), "accepted");
  const json::Value same_key_twice = changed(test::root(), {"keys", "k2"}, test::public_key(1).encode());
  EXPECT_EQ(vehicle<Root>(same_key_twice), "threshold-above-keys");
  EXPECT_EQ(tuf<Root>(same_key_twice), "accepted");
}

TEST(Root, RefusesThresholdsBeyondAnyNumberOfKeys) {
  const auto with = [](std::int64_t threshold) {
    return changed(test::root(), {"roles", "root", "threshold"}, threshold);
  };
  EXPECT_EQ(Root::decode(with(4294967295), Profile::Tuf).value().roles.at(root_role()).threshold,
            4294967295U);
  EXPECT_EQ(tuf<Root>(with(4294967296)), "threshold-above-keys");
}

// FMT-20: a list that names a key twice would count it once here and twice elsewhere.
TEST(Root, RefusesRepeatedKeyIds) {
  const json::Value document =
      changed(test::root(), {"roles", "root", "keyids"}, json::Array{"k1", "k2", "k1"});
  EXPECT_EQ(tuf<Root>(document), "member-wrong-kind");
  EXPECT_EQ(vehicle<Root>(document), "member-wrong-kind");
}

TEST(Root, PassesOverKeyIdsWithoutKeyOutsideVehicles) {
  const json::Value document =
      changed(test::root(), {"roles", "root", "keyids"}, json::Array{"k1", "k2", "k9"});
  EXPECT_EQ(tuf<Root>(document), "accepted");
  EXPECT_EQ(vehicle<Root>(document), "member-missing");
}

// FMT-33
TEST(Root, KeepsUnusedKeysAndUnknownRoles) {
  const json::Value document = changed(test::root(), {"keys", "unused"}, test::public_key(9).encode());
  const Root root = Root::decode(document, Profile::Vehicle).value();
  EXPECT_TRUE(root.keys.contains(KeyId("unused")));
  EXPECT_TRUE(root.roles.contains(RoleName("x-time-source")));
}

TEST(Root, KeepsKeysOfUnknownTypes) {
  const json::Value key =
      test::parse(R"({"keytype":"sphincs","scheme":"sphincs-shake-128s","keyval":{"public":"00"}})");
  const Root root = Root::decode(changed(test::root(), {"keys", "k4"}, key), Profile::Tuf).value();
  EXPECT_FALSE(root.keys.at(KeyId("k4")).verifies({}, {}));
}

// FMT-7
TEST(Root, RefusesKeysWhoseSchemeDoesNotFit) {
  EXPECT_EQ(tuf<Root>(changed(test::root(), {"keys", "k1", "scheme"}, "rsassa-pss-sha256")),
            "key-scheme-mismatch");
  EXPECT_EQ(tuf<Root>(changed(test::root(), {"keys", "k1", "keyval", "public"}, "00")), "key-malformed");
}

// A message must not carry what a hostile file wants a terminal to see.
TEST(Root, ShowsHostileTextCutShortAndWithoutControlBytes) {
  const auto result =
      Root::decode(json::Object{{"_type", "\x1b[2J\n" + std::string(500, 'x')}}, Profile::Tuf);
  const std::string got = rejection_in(result.error())->got;
  EXPECT_LT(got.size(), 100U);
  EXPECT_EQ(got.substr(0, 6), "?[2J?x");
}

}  // namespace
}  // namespace cotter::model
