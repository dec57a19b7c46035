#include "server/repository/publisher.h"

#include <gtest/gtest.h>

#include "common/json/canonical.h"

namespace cotter::repository {
namespace {

Release release(std::string name, std::vector<std::string> hardware_ids,
                const std::string& content = "image") {
  Release made;
  made.name = TargetName(std::move(name));
  for (std::string& id : hardware_ids) made.hardware_ids.emplace_back(std::move(id));
  made.version = "1.0";
  made.length = content.size();
  made.hashes = crypto::Hashes::of(as_bytes(content));
  return made;
}

model::Targets listing(std::initializer_list<Release> releases) {
  model::Targets listed;
  for (const Release& one : releases) listed = with_release(listed, one)->targets;
  return listed;
}

Release with_counter(Release made, std::uint64_t counter) {
  made.counter = ReleaseCounter(counter);
  return made;
}

TEST(Publisher, ListsLengthHashesAndTheFactsThatBothRepositoriesMustAgreeOn) {  // FMT-50, FMT-51, FMT-55
  const Change change = *with_release({}, release("team/ecu/a.bin", {"hw-2", "hw-1", "hw-2"}));
  ASSERT_TRUE(change.changed);
  EXPECT_FALSE(change.replaced);
  const model::Target& target = change.targets.targets.at(TargetName("team/ecu/a.bin"));
  EXPECT_EQ(target.length, 5U);
  EXPECT_EQ(target.hashes.all().size(), 2U);
  EXPECT_EQ(json::to_text(target.custom),
            R"({"mustMatch":{"hardwareIds":["hw-1","hw-2"],"releaseCounter":1},"version":"1.0"})");
}

TEST(Publisher, GivesTheHighestCounterOfItsHardwareIdsPlusOne) {  // IMG-9
  const model::Targets listed =
      listing({with_counter(release("a", {"hw-1"}), 5), with_counter(release("b", {"hw-2", "hw-3"}), 8),
               with_counter(release("c", {"hw-4"}), 90)});
  EXPECT_EQ(with_release(listed, release("new", {"hw-1"}))->counter, ReleaseCounter(6));
  EXPECT_EQ(with_release(listed, release("new", {"hw-1", "hw-3"}))->counter, ReleaseCounter(9));
  EXPECT_EQ(with_release(listed, release("new", {"hw-5"}))->counter, ReleaseCounter(1));
}

TEST(Publisher, RefusesACounterBelowThatOfAnyHardwareId) {  // IMG-9
  const model::Targets listed = listing({with_counter(release("a", {"hw-1"}), 5)});
  EXPECT_EQ(with_release(listed, with_counter(release("new", {"hw-1"}), 5))->counter, ReleaseCounter(5));
  const auto lower = with_release(listed, with_counter(release("new", {"hw-0", "hw-1"}), 4));
  ASSERT_FALSE(lower);
  EXPECT_TRUE(is_fault(lower.error(), Fault::Kind::Denied));
  EXPECT_NE(summary(lower.error()).find("lower than 5"), std::string::npos) << summary(lower.error());
}

TEST(Publisher, MovesANameToANewBuildButNeverBack) {  // IMG-4, IMG-9
  const model::Targets listed = listing({with_counter(release("a", {"hw-1"}, "old"), 5)});
  const Change change = *with_release(listed, release("a", {"hw-1"}, "new"));
  EXPECT_TRUE(change.replaced);
  EXPECT_EQ(change.counter, ReleaseCounter(6));
  EXPECT_EQ(change.targets.targets.size(), 1U);
  EXPECT_FALSE(with_release(change.targets, with_counter(release("a", {"hw-1"}, "old"), 5)));
}

TEST(Publisher, BringsOldSoftwareBackAsANewReleaseOnly) {  // DIR-46
  const model::Targets listed = listing(
      {with_counter(release("a-1", {"hw-1"}, "old"), 5), with_counter(release("a-2", {"hw-1"}, "new"), 6)});
  EXPECT_FALSE(with_release(listed, with_counter(release("a-3", {"hw-1"}, "old"), 5)));
  const Change change = *with_release(listed, release("a-3", {"hw-1"}, "old"));
  EXPECT_EQ(change.counter, ReleaseCounter(7));
  EXPECT_TRUE(change.targets.targets.at(TargetName("a-3")).hashes.match(as_bytes("old")));
}

TEST(Publisher, ChangesNothingForAReleaseThatIsListedSo) {
  const Release first = with_counter(release("a", {"hw-1"}), 5);
  const model::Targets listed = listing({first});
  EXPECT_FALSE(with_release(listed, first)->changed);
  const Change without_counter = *with_release(listed, release("a", {"hw-1"}));
  EXPECT_FALSE(without_counter.changed);
  EXPECT_EQ(without_counter.counter, ReleaseCounter(5));
  EXPECT_TRUE(with_release(listed, with_counter(release("a", {"hw-1"}), 6))->changed);
  EXPECT_TRUE(with_release(listed, release("a", {"hw-1", "hw-2"}))->changed);
}

TEST(Publisher, KeepsDelegationsInTheirOrderAndMembersItDoesNotKnow) {  // IMG-6, FMT-9
  model::Targets listed;
  listed.unknown.set("x-note", "kept");
  listed.delegations.emplace();
  for (const char* name : {"zeta", "alpha"}) {
    model::DelegatedRole role;
    role.name = RoleName(name);
    role.paths = {"*"};
    listed.delegations->roles.push_back(std::move(role));
  }
  const Change change = *with_release(listed, release("a", {"hw-1"}));
  EXPECT_EQ(change.targets.delegations->roles.at(0).name, RoleName("zeta"));
  EXPECT_EQ(change.targets.delegations->roles.at(1).name, RoleName("alpha"));
  EXPECT_NE(change.targets.unknown.find("x-note"), nullptr);
}

TEST(Publisher, GoesOnListingDelegatedRolesInTheSnapshot) {  // FMT-45, IMG-13
  model::Snapshot last;
  model::FileMeta brakes;
  brakes.version = Version(3);
  last.meta.set(RoleName("brakes"), brakes);
  const model::Snapshot next = next_snapshot(
      last, Version(8), UtcTime{}, {{model::targets_role(), meta_of(Version(2), as_bytes("wire"))}});
  EXPECT_EQ(next.version, Version(8));
  EXPECT_EQ(next.meta.find(RoleName("brakes"))->version, Version(3));
  const model::FileMeta targets = next.meta.find(RoleName("targets")).value();
  EXPECT_EQ(targets.version, Version(2));
  EXPECT_EQ(targets.length, 4U);  // FMT-46: of the bytes served (FMT-27)
  EXPECT_TRUE(targets.hashes->match(as_bytes("wire")));
}

TEST(Publisher, DropsFromTheSnapshotNoMoreThanItIsTold) {  // IMG-13
  model::Snapshot last;
  for (const char* role : {"acme", "acme-sensors", "brakes"})
    last.meta.set(RoleName(role), model::FileMeta{});
  const model::Snapshot next = next_snapshot(last, Version(8), UtcTime{}, {}, {RoleName("acme")});
  EXPECT_FALSE(next.meta.find(RoleName("acme")));
  EXPECT_TRUE(next.meta.find(RoleName("acme-sensors")));
  EXPECT_TRUE(next.meta.find(RoleName("brakes")));
}

TEST(Publisher, RefusesNamesAndIdsThatNobodyCouldUse) {  // FMT-10, FMT-52, GAP-31
  const auto refused = [](const Release& made) {
    const auto checked = check_release(made);
    return !checked && is_fault(checked.error(), Fault::Kind::Usage);
  };
  for (const char* name :
       {"", "/a", "a/", "../a", "a/../b", "a//b", "a b", "\xC3\xA4", "a\\b", "a\nb", "."}) {
    EXPECT_TRUE(refused(release(name, {"hw-1"}))) << name;
  }
  EXPECT_TRUE(refused(release(std::string(256, 'a'), {"hw-1"})));
  EXPECT_FALSE(refused(release(std::string(255, 'a'), {"hw-1"})));
  EXPECT_TRUE(refused(release("a", {})));
  for (const char* id : {"", "hw 1", "hw/1", "hw\"1", "..", "h\xC3\xA4"})
    EXPECT_TRUE(refused(release("a", {id}))) << id;
  EXPECT_TRUE(refused(release("a", {std::string(129, 'h')})));
  Release no_version = release("a", {"hw-1"});
  for (const char* version : {"", "1\n0", "1.\xC3\xA4"}) {
    no_version.version = version;
    EXPECT_TRUE(refused(no_version)) << version;
  }
}

}  // namespace
}  // namespace cotter::repository
