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

const test::Path kBrake = {"targets", "supplier-bosch/brake-4.2.bin"};

test::Path brake(const char* member) {
  test::Path path = kBrake;
  path.emplace_back(member);
  return path;
}

// FMT-50
TEST(Targets, ReadsEachImage) {
  const Targets targets = Targets::decode(test::targets(), Profile::Vehicle).value();
  const Target& image = targets.targets.at(TargetName("supplier-bosch/brake-4.2.bin"));
  EXPECT_EQ(image.length, 1048576U);
  EXPECT_TRUE(image.hashes.match({}));
  EXPECT_EQ(*image.custom.find("name")->as_string(), "brake");
  EXPECT_TRUE(targets.targets.at(TargetName("plain.bin")).custom.empty());
  EXPECT_EQ(targets.vin, VehicleId("WDB123"));
  EXPECT_EQ(targets.delegations->roles.size(), 2U);
}

TEST(Targets, NeedsNeitherDelegationsNorCustomNorVin) {
  json::Value document = without(test::targets(), {"delegations"});
  document = without(without(document, {"vin"}), brake("custom"));
  const Targets targets = Targets::decode(document, Profile::Vehicle).value();
  EXPECT_FALSE(targets.delegations);
  EXPECT_FALSE(targets.vin);
}

// FMT-52, ATK-40, ATK-41
TEST(Targets, RefusesUnsafeNamesInVehicles) {  // FMT-10
  const json::Value entry =
      test::parse(R"({"length":1,"hashes":{"sha256":")" + test::sha256_of_nothing() + R"("}})");
  for (const char* name : {"../x", "/etc/x", "a\\b", "gr\xC3\xBCn.bin", "a b"}) {
    const json::Value document = changed(test::targets(), {"targets", name}, entry);
    EXPECT_EQ(tuf<Targets>(document), "accepted") << name;
    EXPECT_EQ(vehicle<Targets>(document), "target-name-unsafe") << name;
  }
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), {"targets", ""}, entry)), "target-name-unsafe");
}

// FMT-50
TEST(Targets, RefusesImagesWithoutLengthOrHashes) {
  for (const char* member : {"length", "hashes"}) {
    EXPECT_EQ(tuf<Targets>(without(test::targets(), brake(member))), "member-missing") << member;
    EXPECT_EQ(tuf<Targets>(changed(test::targets(), brake(member), "x")), "member-wrong-kind") << member;
  }
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), brake("hashes"), json::Object{{"md5", "00"}})),
            "hashes-empty");
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), brake("hashes"), json::Object{{"sha512", "00"}})),
            "hash-length-wrong");
  EXPECT_EQ(tuf<Targets>(changed(test::targets(), kBrake, json::Array{})), "member-wrong-kind");
}

// TUF 4.5: anything at all. What is no object is kept, and says nothing that we look for.
TEST(Targets, KeepACustomOfAnyKind) {
  for (const json::Value& custom : {json::Value("x"), json::Value(), json::Value(json::Array{1})}) {
    const json::Value document = changed(test::targets(), brake("custom"), custom);
    const auto targets = Targets::decode(document, Profile::Vehicle);
    ASSERT_TRUE(targets) << verdict(targets);
    EXPECT_TRUE(targets->targets.at(TargetName("supplier-bosch/brake-4.2.bin")).custom.empty());
    EXPECT_EQ(targets->encode(), document);
  }
}

// Serialisers of other makes write null for an empty list; ours do not.
TEST(Targets, TakeNullForAnAbsentMemberOutsideVehicles) {
  const json::Value document = changed(test::targets(), {"delegations"}, json::Value());
  EXPECT_EQ(tuf<Targets>(document), "accepted");
  EXPECT_EQ(vehicle<Targets>(document), "member-wrong-kind");
}

// ATK-38
TEST(Targets, RefusesASnapshotInItsPlace) {
  EXPECT_EQ(vehicle<Targets>(test::snapshot()), "role-type-wrong");
}

Target image(const json::Value& custom) {
  Target target;
  target.custom = *custom.as_object();
  return target;
}

// FMT-55
TEST(MustMatch, IsTheSectionThatBothRepositoriesState) {
  const Target target = image(test::parse(
      R"({"mustMatch":{"hardwareIds":["b","a","b"],"releaseCounter":42,"requires":[{"hardwareId":"c","x":1}]},"releaseCounter":1})"));
  for (const Profile profile : {Profile::Tuf, Profile::Vehicle}) {
    const MustMatch facts = target.must_match(profile).value().value();
    EXPECT_EQ(facts.hardware_ids, (std::vector{HardwareId("a"), HardwareId("b")}));
    EXPECT_EQ(facts.release_counter, ReleaseCounter(42));
    EXPECT_EQ(facts.all, *target.custom.find("mustMatch")->as_object());
  }
}

TEST(MustMatch, StatesWhatElseMustAndMustNotRun) {  // DIR-40
  const MustMatch facts =
      MustMatch::decode(
          test::parse(
              R"({"hardwareIds":["a"],"releaseCounter":1,"requires":[{"hardwareId":"b","min":3,"max":9}],
          "conflicts":[{"hardwareId":"c"}]})"))
          .value();
  ASSERT_EQ(facts.needs.size(), 1U);
  EXPECT_EQ(facts.needs[0].hardware_id, HardwareId("b"));
  for (const std::uint64_t counter : {3U, 9U}) EXPECT_TRUE(facts.needs[0].holds_for(ReleaseCounter(counter)));
  for (const std::uint64_t counter : {2U, 10U})
    EXPECT_FALSE(facts.needs[0].holds_for(ReleaseCounter(counter)));
  ASSERT_EQ(facts.conflicts.size(), 1U);
  EXPECT_TRUE(facts.conflicts[0].holds_for(ReleaseCounter(0)));
  const auto of = [](const char* conditions) {
    return verdict(MustMatch::decode(test::parse(
        std::string(R"({"hardwareIds":["a"],"releaseCounter":1,"requires":)") + conditions + "}")));
  };
  EXPECT_EQ(of("[]"), "accepted");
  EXPECT_EQ(of("{}"), "member-wrong-kind");
  EXPECT_EQ(of(R"(["b"])"), "member-wrong-kind");
  EXPECT_EQ(of(R"([{"min":1}])"), "member-missing");
  EXPECT_EQ(of(R"([{"hardwareId":"b","min":"1"}])"), "member-wrong-kind");
}

TEST(MustMatch, IsMadeSortedAndOnceEach) {
  const MustMatch facts =
      MustMatch::of({HardwareId("b"), HardwareId("a"), HardwareId("b")}, ReleaseCounter(7));
  EXPECT_EQ(json::Value(facts.all), test::parse(R"({"hardwareIds":["a","b"],"releaseCounter":7})"));
  const MustMatch again = MustMatch::decode(json::Value(facts.all)).value();
  EXPECT_EQ(again.hardware_ids, facts.hardware_ids);
  EXPECT_EQ(again.release_counter, facts.release_counter);
}

TEST(MustMatch, RefusesSectionsWithoutTheirFacts) {
  const auto of = [](const char* section) { return verdict(MustMatch::decode(test::parse(section))); };
  EXPECT_EQ(of(R"({"releaseCounter":1})"), "member-missing");
  EXPECT_EQ(of(R"({"hardwareIds":["a"]})"), "member-missing");
  EXPECT_EQ(of(R"({"hardwareIds":"a","releaseCounter":1})"), "member-wrong-kind");
  EXPECT_EQ(of(R"({"hardwareIds":[1],"releaseCounter":1})"), "member-wrong-kind");
  EXPECT_EQ(of(R"({"hardwareIds":["a b"],"releaseCounter":1})"), "member-wrong-kind");
  EXPECT_EQ(of(R"({"hardwareIds":["a"],"releaseCounter":"1"})"), "member-wrong-kind");
  EXPECT_EQ(of("[]"), "member-wrong-kind");
}

// FMT-53, FMT-55
TEST(MustMatch, ReadsFlatStyleOutsideVehicles) {
  const Target both = image(test::parse(R"({"hardwareIds":["b","a"],"releaseCounter":3})"));
  EXPECT_FALSE(both.must_match(Profile::Vehicle).value());
  const MustMatch facts = both.must_match(Profile::Tuf).value().value();
  EXPECT_EQ(facts.hardware_ids, (std::vector{HardwareId("a"), HardwareId("b")}));
  EXPECT_EQ(facts.release_counter, ReleaseCounter(3));

  const Target without_counter = image(test::parse(R"({"hardwareIds":["a"]})"));
  EXPECT_EQ(without_counter.must_match(Profile::Tuf).value()->release_counter, ReleaseCounter(0));
  const Target without_hardware = image(test::parse(R"({"releaseCounter":3})"));
  EXPECT_TRUE(without_hardware.must_match(Profile::Tuf).value()->hardware_ids.empty());
  EXPECT_FALSE(image(test::parse(R"({"name":"x"})")).must_match(Profile::Tuf).value());
  EXPECT_EQ(verdict(image(test::parse(R"({"hardwareIds":"a"})")).must_match(Profile::Tuf)),
            "member-wrong-kind");
}

// Section 0: other people's repositories state what they state.
TEST(MustMatch, MayLeaveFactsOutOfItsSectionOutsideVehicles) {
  const Target target = image(test::parse(R"({"mustMatch":{"requires":[]}})"));
  EXPECT_EQ(verdict(target.must_match(Profile::Vehicle)), "member-missing");
  const MustMatch facts = target.must_match(Profile::Tuf).value().value();
  EXPECT_TRUE(facts.hardware_ids.empty());
  EXPECT_EQ(facts.release_counter, ReleaseCounter(0));
  EXPECT_EQ(json::Value(facts.all), test::parse(R"({"requires":[]})"));
}

// FMT-54
TEST(EcuIdentifiers, NameEachEcuAndItsHardware) {
  const Target target = image(test::parse(
      R"({"ecuIdentifiers":{"E1":{"hardwareId":"brake-mk4"},"E2":{"hardwareId":"door","encryption":{}}}})"));
  const std::map<EcuSerial, HardwareId> ecus = target.ecus().value();
  EXPECT_EQ(ecus.size(), 2U);
  EXPECT_EQ(ecus.at(EcuSerial("E1")), HardwareId("brake-mk4"));
  EXPECT_TRUE(Target().ecus().value().empty());
}

TEST(EcuIdentifiers, RefuseWhatIsNoIdentifier) {
  const auto of = [](const char* ecus) {
    return verdict(image(json::Object{{"ecuIdentifiers", test::parse(ecus)}}).ecus());
  };
  EXPECT_EQ(of(R"({"E1":{}})"), "member-missing");
  EXPECT_EQ(of(R"({"E1":"brake-mk4"})"), "member-wrong-kind");
  EXPECT_EQ(of(R"({"E1":{"hardwareId":""}})"), "member-wrong-kind");
  EXPECT_EQ(of(R"({"E 1":{"hardwareId":"a"}})"), "member-wrong-kind");
  EXPECT_EQ(of(R"(["E1"])"), "member-wrong-kind");
}

}  // namespace
}  // namespace cotter::model
