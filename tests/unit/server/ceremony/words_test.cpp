#include "server/ceremony/words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "server/ceremony/agreed_bins.h"
#include "server/ceremony/key_change.h"
#include "tests/sim/sim_key.h"

namespace cotter::ceremony {
namespace {

constexpr UtcTime kFirstEnd{std::chrono::seconds(1'900'000'000)};
constexpr const char* kElse =
    "something else changes too, which has no words here: compare the two files before you sign";

using sim::public_key;
using Lines = std::vector<std::string>;

std::string spelt_of(const char* label) { return spelt(public_key(label).computed_id(), public_key(label)); }
bool has(const Lines& lines, const std::string& line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

model::Root first_root() {
  model::Root root;
  root.version = Version(1);
  root.expires = kFirstEnd;
  for (const char* label : {"r1", "r2"}) {
    root.keys.insert_or_assign(public_key(label).computed_id(), public_key(label));
    root.roles[model::root_role()].keyids.push_back(public_key(label).computed_id());
  }
  root.roles[model::root_role()].threshold = 2;
  return root;
}

model::Target target(std::uint64_t length) {
  model::Target target;
  target.length = length;
  target.hashes = crypto::Hashes::of(as_bytes("image"));
  return target;
}

model::Targets targets() {
  model::Targets targets;
  targets.version = Version(7);
  targets.expires = kFirstEnd;
  targets.targets[TargetName("a")] = target(1);
  return targets;
}

model::DelegatedRole brakes() {
  model::DelegatedRole role;
  role.name = RoleName("brakes");
  role.paths = {"brakes/*"};
  role.keys = {{public_key("b1").computed_id()}, 1};
  return role;
}

model::Targets with_brakes() {
  model::Targets all = targets();
  all.delegations.emplace();
  all.delegations->keys.insert_or_assign(public_key("b1").computed_id(), public_key("b1"));
  all.delegations->roles = {brakes()};
  return all;
}

Lines after(const model::Targets& before, const std::function<void(model::Targets&)>& change) {
  model::Targets next = before;
  next.version = Version(8);
  change(next);
  return changes_between(before, next);
}

TEST(WordsOfARoot, TellOfKeysThresholdsAndLife) {
  KeyChange change{
      {{model::root_role(), public_key("r3")}}, {{model::root_role(), public_key("r1").computed_id()}}, {}};
  const UtcTime later = kFirstEnd + std::chrono::hours(1);
  Lines lines = changes_between(first_root(), next_root(first_root(), change, later).value());
  EXPECT_EQ(lines, (Lines{"version 1 becomes 2",
                          "it expires at " + format_utc(later) + ", no longer at " + format_utc(kFirstEnd),
                          "root: key out: " + spelt_of("r1"), "root: key in: " + spelt_of("r3")}));
  change = {{{model::root_role(), public_key("r3")}}, {}, {{model::root_role(), 3}}};
  lines = changes_between(first_root(), next_root(first_root(), change, kFirstEnd).value());
  EXPECT_TRUE(has(lines, "root: 3 of 3 keys sign, no longer 2 of 2 keys"));
}

TEST(WordsOfARoot, TellOfAnotherKeyUnderAnOldName) {
  model::Root next = first_root();
  next.version = Version(2);
  next.keys.insert_or_assign(public_key("r1").computed_id(), public_key("thief"));
  const Lines lines = changes_between(first_root(), next);
  EXPECT_TRUE(has(lines, "root: key in: " + spelt(public_key("r1").computed_id(), public_key("thief"))));
}

TEST(WordsOfARoot, SayThatSomethingChangesThatTheyDoNotKnow) {
  model::Root next = first_root();
  next.version = Version(2);
  next.consistent_snapshot = false;
  EXPECT_TRUE(has(changes_between(first_root(), next), kElse));
  next = first_root();
  next.version = Version(2);
  EXPECT_FALSE(has(changes_between(first_root(), next), kElse));
}

TEST(WordsOfARoot, TellOfRoles) {
  model::Root next = first_root();
  next.version = Version(2);
  next.roles[RoleName("x-extra")] = {{public_key("r1").computed_id()}, 1};
  EXPECT_TRUE(has(changes_between(first_root(), next), "role in: x-extra"));
  EXPECT_TRUE(has(changes_between(next, first_root()), "role out: x-extra"));
}

TEST(WordsOfTargets, TellOfImages) {
  const Lines lines = after(targets(), [](model::Targets& next) {
    next.targets.erase(TargetName("a"));
    next.targets[TargetName("b")] = target(2);
  });
  EXPECT_TRUE(has(lines, "image out: a"));
  EXPECT_TRUE(std::ranges::any_of(
      lines, [](const std::string& line) { return line.starts_with("image in: b: 2 bytes, sha256 "); }));
  EXPECT_TRUE(std::ranges::any_of(
      after(targets(), [](model::Targets& next) { next.targets[TargetName("a")].length = 3; }),
      [](const std::string& line) { return line.starts_with("image altered: a: 3 bytes"); }));
}

TEST(WordsOfTargets, TellOfDelegations) {
  const Lines in =
      after(targets(), [](model::Targets& next) { next.delegations = with_brakes().delegations; });
  EXPECT_TRUE(has(in, "delegation in: brakes: paths brakes/*, any hardware"));
  EXPECT_TRUE(has(in, "delegation brakes: key in: " + spelt_of("b1")));
  EXPECT_FALSE(has(in, kElse));
  const Lines out = after(with_brakes(), [](model::Targets& next) { next.delegations->roles.clear(); });
  EXPECT_TRUE(has(out, "delegation out: brakes"));
  const Lines wider = after(with_brakes(), [](model::Targets& next) {
    next.delegations->roles[0].paths = {"*/*"};
    next.delegations->roles[0].terminating = true;
  });
  EXPECT_TRUE(
      has(wider,
          "delegation brakes: paths */*, any hardware, terminating; before: paths brakes/*, any hardware"));
  const Lines keys = after(with_brakes(), [](model::Targets& next) {
    next.delegations->keys.insert_or_assign(public_key("b2").computed_id(), public_key("b2"));
    next.delegations->roles[0].keys = {{public_key("b2").computed_id()}, 1};
  });
  EXPECT_TRUE(has(keys, "delegation brakes: key out: " + spelt_of("b1")));
  EXPECT_TRUE(has(keys, "delegation brakes: key in: " + spelt_of("b2")));
}

TEST(WordsOfTargets, TellHowManyBinsAreAgreedOn) {
  const Lines in = after(targets(), [](model::Targets& next) {
    next.delegations = with_brakes().delegations;
    agree_on_bits(next.delegations->roles[0], 3);
  });
  EXPECT_TRUE(has(in, "delegation brakes: it may have 8 hashed bins"));
  model::Targets eight = with_brakes();
  agree_on_bits(eight.delegations->roles[0], 3);
  const auto grow = [](model::Targets& next) { agree_on_bits(next.delegations->roles[0], 5); };
  const Lines first = after(with_brakes(), grow);
  EXPECT_TRUE(
      has(first, "delegation brakes: it may have 32 hashed bins; before: as many bins as it was made with"));
  EXPECT_FALSE(has(first, kElse));
  const Lines again = after(eight, grow);
  EXPECT_TRUE(has(again, "delegation brakes: it may have 32 hashed bins; before: 8 hashed bins"));
  EXPECT_FALSE(has(again, kElse));
  for (const json::Value& odd : {json::Value("32"), json::Value(0), json::Value(33)}) {
    EXPECT_TRUE(
        has(after(eight,
                  [&](model::Targets& next) { next.delegations->roles[0].unknown.set("x-bit_length", odd); }),
            kElse));
  }
}

TEST(WordsOfTargets, TellOfTheirOrder) {  // IMG-6
  model::Targets two = with_brakes();
  model::DelegatedRole doors = brakes();
  doors.name = RoleName("doors");
  two.delegations->roles.push_back(doors);
  const Lines lines = after(
      two, [](model::Targets& next) { std::swap(next.delegations->roles[0], next.delegations->roles[1]); });
  EXPECT_TRUE(has(lines, "delegations are asked in this order: doors, brakes"));
  EXPECT_FALSE(has(lines, kElse));
}

TEST(WordsOfTargets, SayThatSomethingChangesThatTheyDoNotKnow) {
  const Lines lines = after(with_brakes(), [](model::Targets& next) {
    next.delegations->roles[0].min_roles_in_agreement = 2;
    next.delegations->roles[0].unknown.set("x-odd", 1);
  });
  EXPECT_TRUE(has(lines, kElse));
  const Lines bins = after(targets(), [](model::Targets& next) {
    next.delegations.emplace();
    next.delegations->succinct.emplace();
  });
  EXPECT_TRUE(has(bins, kElse));
}

}  // namespace
}  // namespace cotter::ceremony
