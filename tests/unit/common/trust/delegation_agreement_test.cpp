#include <gtest/gtest.h>

#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using sim::kTargets;
using test::Client;
using test::verdict;

/// An entry of these roles, all of which exist; each lists x.bin with the content given for it, or not at
/// all.
struct Council : Client {
  explicit Council(std::uint32_t least, const std::vector<std::pair<std::string, std::string>>& lists,
                   bool terminating = false) {
    for (const auto& [role, content] : lists) names.push_back(role);
    sim.delegate(kTargets, sim::delegated_together("council", names, least, {"*"}, terminating));
    for (const auto& [role, content] : lists) {
      if (!content.empty()) list(role, content);
    }
  }
  void list(const std::string& role, const std::string& content, json::Object custom = {}) {
    sim.add_target(RoleName(role), TargetName("x.bin"), content, std::move(custom));
  }
  /// A role that is asked after the council.
  void follow_by(const std::string& role, const std::string& content) {
    sim.delegate(kTargets, sim::delegated(role));
    list(role, content);
    names.push_back(role);
  }
  /// The role that lists x.bin, or the rule that says why none does.
  std::string ask() {
    for (const std::string& role : names) sim.publish(RoleName(role));
    sim.release({kTargets});
    const auto found = find("x.bin");
    return found ? found->role.value() : verdict(found);
  }
  std::vector<std::string> names;
};

TEST(DelegationAgreement, OfAllIsAnAnswer) {  // VER-47
  EXPECT_EQ(Council(2, {{"a", "one"}, {"b", "one"}}).ask(), "a");
}

TEST(DelegationAgreement, IsNoneWhereContentsDiffer) {  // VER-47
  EXPECT_EQ(Council(2, {{"a", "one"}, {"b", "two"}}).ask(), "target-not-found");
}

TEST(DelegationAgreement,
     IsNoneWhereOneDoesNotListTheImage) {  // VER-47: sets below the threshold are discarded
  EXPECT_EQ(Council(2, {{"a", "one"}, {"b", ""}}).ask(), "target-not-found");
}

TEST(DelegationAgreement, TakesTheMajorityThoughItIsListedLater) {  // VER-47
  EXPECT_EQ(Council(2, {{"a", "one"}, {"b", "two"}, {"c", "two"}}).ask(), "b");
}

TEST(DelegationAgreement, TakesOfSeveralSetsThatOfTheEarliestRole) {  // VER-47
  EXPECT_EQ(Council(2, {{"a", "one"}, {"b", "two"}, {"c", "two"}, {"d", "one"}}).ask(), "a");
}

TEST(DelegationAgreement, ComparesWhatMustMatch) {  // VER-47, FMT-55
  const HardwareId hardware("hw");
  Council differing(2, {{"a", ""}, {"b", ""}});
  differing.list("a", "one", sim::image_facts({hardware}, 1));
  differing.list("b", "one", sim::image_facts({hardware}, 2));
  EXPECT_EQ(differing.ask(), "target-not-found");
  Council silent(2, {{"a", ""}, {"b", "one"}});
  silent.list("a", "one", sim::image_facts({hardware}, 1));
  EXPECT_EQ(silent.ask(), "target-not-found");
}

TEST(DelegationAgreement, DoesNotCompareTheRestOfCustom) {  // VER-47
  Council client(2, {{"a", ""}, {"b", ""}});
  client.list("a", "one", json::Object{{"name", "brake"}});
  client.list("b", "one", json::Object{{"name", "Bremse"}});
  EXPECT_EQ(client.ask(), "a");
}

TEST(DelegationAgreement, LeavesWhatItDoesNotFindToTheNext) {  // VER-47, VER-45
  Council client(2, {{"a", "one"}, {"b", "two"}});
  client.follow_by("later", "three");
  EXPECT_EQ(client.ask(), "later");
}

TEST(DelegationAgreement, EndsTheSearchWhereTheEntryIsTerminating) {  // VER-47, VER-43
  Council client(2, {{"a", "one"}, {"b", "two"}}, true);
  client.follow_by("later", "three");
  EXPECT_EQ(client.ask(), "target-not-found");
}

TEST(DelegationAgreement, MayBeOverOneRoleBelowEachOfThem) {
  // Both lead to the same third role, which is asked for each of them.
  Council client(2, {{"a", ""}, {"b", ""}});
  client.sim.delegate(RoleName("a"), sim::delegated("below"));
  client.sim.delegate(RoleName("b"), sim::delegated("below"));
  client.list("below", "one");
  client.names.emplace_back("below");
  EXPECT_EQ(client.ask(), "below");
}

TEST(DelegationAgreement, MayDependOnAnother) {
  Council client(2, {{"a", ""}, {"b", "one"}});
  client.sim.delegate(RoleName("a"), sim::delegated_together("inner", {"c", "d"}, 2));
  client.list("c", "one");
  client.list("d", "one");
  client.names.insert(client.names.end(), {"c", "d"});
  EXPECT_EQ(client.ask(), "c");
  client.list("d", "two");
  EXPECT_EQ(client.ask(), "target-not-found");
}

TEST(DelegationAgreement, IsNotEndedByATerminatingRoleBelowOneOfThem) {
  Council client(1, {{"a", ""}, {"b", "one"}});
  client.sim.delegate(RoleName("a"), sim::delegated("last-word", {"*"}, true));
  client.names.emplace_back("last-word");
  EXPECT_EQ(client.ask(), "b");
}

TEST(DelegationAgreement, OfOneRoleIsAPlainDelegation) {  // a terminating role below it ends the whole search
  Council client(1, {{"a", ""}});
  client.sim.delegate(RoleName("a"), sim::delegated("last-word", {"*"}, true));
  client.names.emplace_back("last-word");
  client.follow_by("later", "one");
  EXPECT_EQ(client.ask(), "target-not-found");
}

TEST(DelegationAgreement, EndsWhereOneOfThemIsHidden) {  // VER-41
  Council client(1, {{"a", "one"}, {"b", "two"}});
  ASSERT_EQ(client.ask(), "a");
  client.store.files.clear();
  client.sim.files.erase(client.sim.path_of(RoleName("a")));
  EXPECT_TRUE(is_fault(client.find("x.bin").error(), Fault::Kind::NotFound));
}

TEST(DelegationAgreement, IsSignedByEachWithItsOwnKeys) {  // VER-33
  Council client(2, {{"a", "one"}, {"b", "one"}});
  client.sim.signers[RoleName("b")] = client.sim.signers[RoleName("a")];
  EXPECT_EQ(client.ask(), "threshold-not-met");
}

TEST(DelegationAgreement, BindsHardwareToo) {  // VER-44
  Council client(2, {{"a", "one"}, {"b", "one"}});
  model::DelegatedRole& entry = client.sim.targets().delegations->roles.front();
  entry.any_hardware = false;
  entry.hardware_ids = {test::kDoorHardware};
  ASSERT_EQ(client.ask(), "a");
  EXPECT_EQ(verdict(client.find("x.bin", test::kBrakeHardware)), "target-not-found");
  EXPECT_EQ(verdict(client.find("x.bin", test::kDoorHardware)), "accepted");
}

TEST(DelegationAgreement, ThatGrowsWithoutEndIsGivenUp) {  // VER-40, ATK-24: 2^16 ways through 32 roles
  Client client;
  RoleName above = kTargets;
  std::vector<std::string> names;
  for (int level = 1; level <= 15; ++level) {
    const std::string left = "l" + std::to_string(level), right = "r" + std::to_string(level);
    for (const RoleName& parent : level == 1 ? std::vector{kTargets}
                                             : std::vector{RoleName("l" + std::to_string(level - 1)),
                                                           RoleName("r" + std::to_string(level - 1))}) {
      client.sim.delegate(parent, sim::delegated_together("both", {left, right}, 2));
    }
    names.insert(names.end(), {left, right});
  }
  for (const std::string& name : names) client.sim.publish(RoleName(name));
  client.sim.release({kTargets});
  EXPECT_EQ(verdict(client.find("x.bin")), "delegation-bomb");
}

TEST(DelegationAgreement, GoesRoundNoCircle) {  // VER-40, ATK-24
  Council client(2, {{"a", ""}, {"b", ""}});
  client.sim.delegate(RoleName("a"), sim::delegated_together("again", {"a", "b"}, 2));
  client.sim.delegate(RoleName("b"), sim::delegated_together("again", {"b", "a"}, 2));
  EXPECT_EQ(client.ask(), "target-not-found");
}

}  // namespace
}  // namespace cotter::trust
