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

test::Path bosch(const char* member) { return {"delegations", "roles", "0", member}; }
test::Path bins(const char* member) { return {"delegations", "succinct_roles", member}; }

Delegations decode(const json::Value& document) {
  return Targets::decode(document, Profile::Vehicle).value().delegations.value();
}

// FMT-70, FMT-71, IMG-6
TEST(Delegations, KeepRolesInTheirOrder) {
  const Delegations delegations = decode(test::targets());
  EXPECT_EQ(delegations.keys.size(), 3U);
  ASSERT_EQ(delegations.roles.size(), 2U);
  const DelegatedRole& first = delegations.roles[0];
  EXPECT_EQ(first.name, RoleName("supplier-bosch"));
  EXPECT_EQ(first.keys.threshold, 2U);
  EXPECT_EQ(first.paths, std::vector<std::string>{"supplier-bosch/*"});
  EXPECT_EQ(first.hardware_ids, std::vector{HardwareId("brake-mk4")});
  EXPECT_FALSE(first.any_hardware);
  EXPECT_TRUE(first.terminating);
  EXPECT_EQ(delegations.roles[1].path_hash_prefixes, (std::vector<std::string>{"00", "4216"}));
  EXPECT_TRUE(delegations.roles[1].any_hardware);
}

// FMT-72
TEST(Delegations, DoNotTerminateUnlessTheySaySo) {
  EXPECT_FALSE(decode(without(test::targets(), bosch("terminating"))).roles[0].terminating);
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("terminating"), 1)), "member-wrong-kind");
}

// VER-44
TEST(Delegations, TellNoHardwareFromAnyHardware) {
  const DelegatedRole none = decode(changed(test::targets(), bosch("x-hardwareIds"), json::Array{})).roles[0];
  EXPECT_FALSE(none.any_hardware);
  EXPECT_TRUE(none.hardware_ids.empty());
  EXPECT_TRUE(decode(without(test::targets(), bosch("x-hardwareIds"))).roles[0].any_hardware);
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("x-hardwareIds"), "a")), "member-wrong-kind");
}

// FMT-62
TEST(Delegations, AreEmptyWithoutKeysAndRoles) {
  const json::Value document =
      changed(test::targets(), {"delegations"}, test::parse(R"({"keys":{},"roles":[]})"));
  EXPECT_TRUE(decode(document).empty());
  EXPECT_FALSE(decode(test::targets()).empty());
  EXPECT_FALSE(decode(test::targets_with_bins()).empty());
}

// FMT-73, FMT-100: a delegated "snapshot" would be fetched as the top-level one.
TEST(Delegations, RefuseNamesOfTopLevelRoles) {
  for (const char* name : {"root", "timestamp", "snapshot", "targets", ""}) {
    EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("name"), name)), "role-name-unsafe") << name;
    EXPECT_EQ(vehicle<Targets>(changed(test::targets(), bosch("name"), name)), "role-name-unsafe") << name;
  }
}

// FMT-73, ATK-40
TEST(Delegations, TakeAnyOtherNameOutsideVehicles) {
  for (const char* name : {"../../root", "a/b", "gr\xC3\xBCn", "a?b"}) {
    EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("name"), name)), "accepted") << name;
    EXPECT_EQ(vehicle<Targets>(changed(test::targets(), bosch("name"), name)), "role-name-unsafe") << name;
  }
}

// FMT-73
TEST(Delegations, RefuseTwoRolesOfOneName) {
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("name"), "hashed")), "delegation-repeated");
}

// FMT-73
TEST(Delegations, RefuseRolesWithBothOrNeitherKindOfPath) {
  const json::Value both = changed(test::targets(), bosch("path_hash_prefixes"), json::Array{"00"});
  EXPECT_EQ(tuf<Targets>(both), "delegation-paths-ambiguous");
  EXPECT_EQ(tuf<Targets>(without(test::targets(), bosch("paths"))), "delegation-paths-ambiguous");
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("paths"), "a/*")), "member-wrong-kind");
  EXPECT_EQ(tuf<Targets>(changed(both, bosch("paths"), json::Value())),
            "accepted");  // as some write an empty list
  EXPECT_EQ(vehicle<Targets>(changed(both, bosch("paths"), json::Value())), "delegation-paths-ambiguous");
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("paths"), json::Value())),
            "delegation-paths-ambiguous");
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("paths"), json::Array{1})), "member-wrong-kind");
}

// FMT-30, FMT-22, VER-T
TEST(Delegations, JudgeThresholdsAsARootDoes) {
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("threshold"), 0)), "threshold-zero");
  EXPECT_EQ(vehicle<Targets>(changed(test::targets(), bosch("threshold"), 3)), "threshold-above-keys");
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("threshold"), 3)), "accepted");
  EXPECT_EQ(vehicle<Targets>(changed(test::targets(), bosch("keyids"), json::Array{"k1", "k9"})),
            "member-missing");
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), bosch("keyids"), json::Array{"k1", "k1"})),
            "member-wrong-kind");
}

TEST(Delegations, RefuseMissingMembers) {
  EXPECT_EQ(tuf<Targets>(without(test::targets(), {"delegations", "keys"})), "member-missing");
  EXPECT_EQ(tuf<Targets>(without(test::targets(), {"delegations", "roles"})), "member-missing");
  for (const char* member : {"name", "keyids", "threshold"}) {
    EXPECT_EQ(tuf<Targets>(without(test::targets(), bosch(member))), "member-missing") << member;
  }
}

/// The document of documents.h with an entry of two roles between its two others (FMT-76).
json::Value with_two_that_agree() {
  const json::Value entry = test::parse(R"({"name":"brakes","paths":["brakes/*"],"min_roles_in_agreement":2,
    "terminating":false,"x-note":"kept","roleinfo":[
      {"rolename":"oem","keyids":["k1"],"threshold":1,"x-note":"kept"},
      {"rolename":"supplier","keyids":["k2","k3"],"threshold":2}]})");
  json::Value document = test::targets();
  json::Array& roles = *test::at(document, {"delegations", "roles"}).as_array();
  roles.insert(roles.begin() + 1, entry);
  return document;
}

test::Path agreement(const char* member) { return {"delegations", "roles", "1", member}; }

// FMT-76: one list, so that an entry of several keeps its place among the others.
TEST(Delegations, KeepAnEntryOfSeveralRolesInItsPlace) {
  const Delegations delegations = decode(with_two_that_agree());
  ASSERT_EQ(delegations.roles.size(), 3U);
  const DelegatedRole& entry = delegations.roles[1];
  EXPECT_EQ(entry.min_roles_in_agreement, 2U);
  ASSERT_EQ(entry.roleinfo.size(), 2U);
  EXPECT_EQ(entry.roleinfo[0].name, RoleName("oem"));
  EXPECT_EQ(entry.roleinfo[1].keys.threshold, 2U);
  EXPECT_TRUE(delegations.roles[0].roleinfo.empty());
  EXPECT_EQ(delegations.roles[0].roles().size(), 1U);
  EXPECT_EQ(entry.roles().size(), 2U);
}

TEST(Delegations, GiveAnEntryOfSeveralRolesBackAsItWas) {  // FMT-9
  const json::Value document = with_two_that_agree();
  EXPECT_EQ(Targets::decode(document, Profile::Vehicle)->encode(), document);
}

// TAP 3 as written: the list is bare, and the keys are its neighbours.
TEST(Delegations, AreReadAndGivenBackInTheFormOfTap3) {
  json::Value document = with_two_that_agree();
  const json::Value list = test::at(document, {"delegations", "roles"});
  document.as_object()->set("keys_for_delegations", test::keys());
  document.as_object()->set("delegations", list);
  const auto targets = Targets::decode(document, Profile::Tuf);
  ASSERT_TRUE(targets) << verdict(targets);
  EXPECT_EQ(targets->delegations->keys.size(), 3U);
  EXPECT_EQ(targets->delegations->roles.size(), 3U);
  EXPECT_EQ(targets->encode(), document);
  EXPECT_EQ(tuf<Targets>(without(document, {"keys_for_delegations"})), "member-missing");
}

TEST(Delegations, AskForAnAgreementThatCanBe) {  // FMT-76
  EXPECT_EQ(tuf<Targets>(changed(with_two_that_agree(), agreement("min_roles_in_agreement"), 0)),
            "threshold-zero");
  EXPECT_EQ(tuf<Targets>(changed(with_two_that_agree(), agreement("min_roles_in_agreement"), 3)),
            "threshold-above-keys");
  EXPECT_EQ(tuf<Targets>(changed(with_two_that_agree(), agreement("roleinfo"), json::Array{})),
            "threshold-above-keys");
  EXPECT_EQ(tuf<Targets>(without(with_two_that_agree(), agreement("min_roles_in_agreement"))),
            "member-missing");
  EXPECT_EQ(vehicle<Targets>(changed(with_two_that_agree(),
                                     {"delegations", "roles", "1", "roleinfo", "0", "threshold"}, 2)),
            "threshold-above-keys");
}

TEST(Delegations, KnowOneAnswerToWhoARoleIs) {  // FMT-73
  const test::Path first = {"delegations", "roles", "1", "roleinfo", "0", "rolename"};
  EXPECT_EQ(tuf<Targets>(changed(with_two_that_agree(), first, "supplier")), "delegation-repeated");
  EXPECT_EQ(tuf<Targets>(changed(with_two_that_agree(), first, "hashed")),
            "delegation-repeated");  // of other keys
  EXPECT_EQ(tuf<Targets>(changed(with_two_that_agree(), first, "snapshot")), "role-name-unsafe");
  EXPECT_EQ(vehicle<Targets>(changed(with_two_that_agree(), first, "../x")), "role-name-unsafe");
  // The same role with the same keys may be asked in two entries.
  json::Value document = changed(with_two_that_agree(), first, "supplier-bosch");
  document =
      changed(document, {"delegations", "roles", "1", "roleinfo", "0", "keyids"}, json::Array{"k1", "k2"});
  document = changed(document, {"delegations", "roles", "1", "roleinfo", "0", "threshold"}, 2);
  EXPECT_EQ(vehicle<Targets>(document), "accepted");
}

// FMT-74, FMT-73
TEST(DelegatedRole, CoversByPatternOrByHashPrefix) {
  const Delegations delegations = decode(test::targets());
  EXPECT_TRUE(delegations.roles[0].covers(TargetName("supplier-bosch/brake-4.2.bin")));
  EXPECT_FALSE(delegations.roles[0].covers(TargetName("supplier-conti/brake-4.2.bin")));
  // SHA-256 of this name begins with 4216c688.
  EXPECT_TRUE(delegations.roles[1].covers(TargetName("brakes/4.2.bin")));
  EXPECT_FALSE(delegations.roles[1].covers(TargetName("a")));
  EXPECT_FALSE(DelegatedRole().covers(TargetName("a")));
}

SuccinctRoles of_bits(std::uint32_t bit_length) {
  SuccinctRoles roles;
  roles.bit_length = bit_length;
  roles.name_prefix = "bin";
  return roles;
}

// TAP 15; the expected names were computed with Python's hashlib.
TEST(SuccinctRoles, FindTheBinOfATarget) {
  struct Row {
    std::uint32_t bits;
    const char* target;
    const char* bin;
  };
  for (const Row& row :
       {Row{1, "brakes/4.2.bin", "bin-0"}, Row{1, "a", "bin-1"}, Row{3, "brakes/4.2.bin", "bin-2"},
        Row{8,
            "gr\xC3\xB6\xC3\x9F"
            "e.bin",
            "bin-a4"},
        Row{10, "brakes/4.2.bin", "bin-108"}, Row{10, "a", "bin-32a"},
        Row{32, "brakes/4.2.bin", "bin-4216c688"}, Row{32, "a", "bin-ca978112"}}) {
    const SuccinctRoles roles = of_bits(row.bits);
    EXPECT_EQ(roles.bin_of(TargetName(row.target)), RoleName(row.bin)) << row.bits << row.target;
    EXPECT_TRUE(roles.has(RoleName(row.bin)));
  }
}

TEST(SuccinctRoles, HaveTheirBinsAlone) {
  for (const char* name : {"bin-000", "bin-3ff"}) EXPECT_TRUE(of_bits(10).has(RoleName(name))) << name;
  for (const char* name :
       {"bin-400", "bin-3FF", "bin-00", "bin-0000", "bin-", "bin", "bin000", "tin-000", "bin-00g", ""}) {
    EXPECT_FALSE(of_bits(10).has(RoleName(name))) << name;
  }
}

TEST(SuccinctRoles, AreReadFromDelegations) {
  const Delegations delegations = decode(test::targets_with_bins());
  EXPECT_TRUE(delegations.roles.empty());
  EXPECT_EQ(delegations.succinct->bit_length, 10U);
  EXPECT_EQ(delegations.succinct->name_prefix, "bin");
  EXPECT_EQ(delegations.succinct->keys.keyids, std::vector{KeyId("k1")});
}

TEST(SuccinctRoles, StandAlone) {
  const json::Value document = changed(test::targets_with_bins(), {"delegations", "roles"}, json::Array{});
  EXPECT_EQ(tuf<Targets>(document), "delegation-paths-ambiguous");
}

TEST(SuccinctRoles, RefuseOtherBitLengthsThan1To32) {
  for (const int bits : {0, 33, 64}) {
    EXPECT_EQ(tuf<Targets>(changed(test::targets_with_bins(), bins("bit_length"), bits)), "member-wrong-kind")
        << bits;
  }
  EXPECT_EQ(tuf<Targets>(changed(test::targets_with_bins(), bins("bit_length"), 32)), "accepted");
}

TEST(SuccinctRoles, RefusePrefixesThatGiveUnsafeNames) {
  const json::Value document = changed(test::targets_with_bins(), bins("name_prefix"), "a/b");
  EXPECT_EQ(tuf<Targets>(document), "accepted");
  EXPECT_EQ(vehicle<Targets>(document), "role-name-unsafe");
  EXPECT_EQ(vehicle<Targets>(changed(test::targets_with_bins(), bins("name_prefix"), std::string(61, 'a'))),
            "role-name-unsafe");
  EXPECT_EQ(vehicle<Targets>(changed(test::targets_with_bins(), bins("threshold"), 0)), "threshold-zero");
}

}  // namespace
}  // namespace cotter::model
