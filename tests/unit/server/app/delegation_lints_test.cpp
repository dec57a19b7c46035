#include "server/app/delegation_lints.h"

#include <gtest/gtest.h>

#include "common/host/atomic_file.h"
#include "server/app/check_repository.h"
#include "server/repository/folder_transport.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::app {
namespace {

using sim::delegated;
using sim::delegated_together;
using sim::kTargets;

/// A repository in which nothing is unwise yet.
struct WiseRepository {
  WiseRepository() { sim.set_keys(kTargets, sim::keys("t", 3), 2); }

  void add(const char* parent, model::DelegatedRole role, std::uint32_t threshold = 2) {
    const std::vector<model::AgreeingRole> roles = role.roles();
    sim.delegate(RoleName(parent), std::move(role));
    for (const model::AgreeingRole& each : roles) {
      sim.set_keys(each.name, sim::keys(each.name.value(), static_cast<int>(threshold) + 1), threshold);
      names.insert(each.name);
    }
    tidy(parent);
  }
  /// Takes out the key that the role had when it was added.
  void tidy(const char* parent) {
    auto& delegations = *sim.targets(RoleName(parent)).delegations;
    std::set<KeyId> used;
    for (const auto& entry : delegations.roles) {
      for (const auto& role : entry.roles()) used.insert(role.keys.keyids.begin(), role.keys.keyids.end());
    }
    std::erase_if(delegations.keys, [&](const auto& key) { return !used.contains(key.first); });
  }
  /// As `cotter check` finds them.
  std::vector<std::string> warnings() {
    std::erase_if(sim.root.keys, [&](const auto& key) {
      return std::none_of(sim.root.roles.begin(), sim.root.roles.end(), [&](const auto& role) {
        return std::count(role.second.keyids.begin(), role.second.keyids.end(), key.first) > 0;
      });
    });
    sim.publish(model::root_role());
    for (const RoleName& role : names) sim.publish(role);
    sim.release({kTargets});
    const sim::TempDir dir;
    for (const auto& [path, bytes] : sim.files) {
      std::filesystem::create_directories((dir.path() / path).parent_path());
      EXPECT_TRUE(host::write_atomically(dir.path() / path, bytes));
    }
    repository::FolderTransport folder(dir.path());
    const auto health = check_repository(folder, test::kNow, {});
    EXPECT_TRUE(health && health->healthy());
    return health->warnings;
  }

  sim::RepositorySim sim{"image", test::kExpires};
  std::set<RoleName> names;
};
using Lines = std::vector<std::string>;

TEST(DelegationLints, HaveNothingToSayOfATidyRepository) {
  WiseRepository repository;
  repository.add("targets", delegated("brakes", {"brakes/*", "brakes/*/*"}, true));
  repository.add("brakes", delegated("brakes-mk4", {"brakes/mk4/*"}));
  repository.add("targets", delegated("doors", {"doors/*"}));
  repository.add("targets", delegated_together("council", {"oem", "supplier"}, 2, {"gateway/*"}));
  EXPECT_EQ(repository.warnings(), Lines{});
}

TEST(DelegationLints, NameSiblingsWhosePathsOverlap) {
  WiseRepository repository;
  repository.add("targets", delegated("brakes", {"brakes/*"}));
  repository.add("targets", delegated("firmware", {"*/fw.bin"}));
  EXPECT_EQ(repository.warnings(),
            Lines{"roles brakes and firmware below targets may list the same names (\"brakes/*\" and "
                  "\"*/fw.bin\"): brakes is asked first and wins"});
}

TEST(DelegationLints, NameARoleInTheShadowOfATerminatingOne) {
  WiseRepository repository;
  repository.add("targets", delegated("brakes", {"brakes/*"}, true));
  repository.add("targets", delegated("mk4", {"brakes/mk4-*", "brakes/fw.bin"}));
  EXPECT_EQ(
      repository.warnings(),
      Lines{"role mk4 below targets is never asked: brakes before it is terminating and covers all of its "
            "paths (\"brakes/*\" covers \"brakes/mk4-*\", \"brakes/fw.bin\")"});
}

TEST(DelegationLints, NameARoleThatNoNameLeadsTo) {
  WiseRepository repository;
  repository.add("targets", delegated("brakes", {"brakes/*"}));
  repository.add("brakes", delegated("stray", {"doors/*"}));
  repository.add("targets", delegated("nothing", {}));
  EXPECT_EQ(repository.warnings(),
            (Lines{"role nothing below targets is never asked: its delegation has no paths",
                   "role stray below brakes is never asked: no name and hardware fit \"doors/*\" and also "
                   "\"brakes/*\" of brakes above it"}));
}

TEST(DelegationLints, LetARoleBeThatOneOfTwoWaysLeadsTo) {
  WiseRepository repository;
  repository.add("targets", delegated("brakes", {"brakes/*"}));
  repository.add("targets", delegated("doors", {"doors/*"}));
  repository.add("brakes", delegated("both", {"doors/a"}));
  repository.add("doors", delegated("both", {"doors/a"}));
  EXPECT_EQ(repository.warnings(),
            Lines{"role both below brakes is never asked: no name and hardware fit \"doors/a\" and also "
                  "\"brakes/*\" of brakes above it"});
}

TEST(DelegationLints, NameARoleOfTheSnapshotThatNobodyDelegatesTo) {
  WiseRepository repository;
  repository.add("targets", delegated("brakes", {"brakes/*"}));
  repository.add("targets", delegated("left", {"left/*"}));
  repository.sim.targets().delegations->roles.pop_back();
  repository.tidy("targets");
  EXPECT_EQ(repository.warnings(), Lines{"role left is in the snapshot, but nobody delegates to it"});
}

TEST(DelegationLints, NameKeysOfNoRole) {
  WiseRepository repository;
  repository.add("targets", delegated("brakes", {"brakes/*"}));
  const auto spare = sim::key("spare")->public_key(), other = sim::key("other")->public_key();
  repository.sim.targets().delegations->keys.emplace(spare.computed_id(), spare);
  EXPECT_EQ(repository.warnings(), Lines{"key " + spare.computed_id().value() +
                                         " is listed in the delegations of targets, but no role may use it"});
  model::Root root = repository.sim.root;
  root.keys.emplace(other.computed_id(), other);
  EXPECT_EQ(delegation_lints(root, {}, {}),
            Lines{"key " + other.computed_id().value() + " is listed in root, but no role may use it"});
}

TEST(DelegationLints, NameARoleOfEveryNameAndHardware) {
  WiseRepository repository;
  repository.add("targets", delegated("all", {"*/*"}));
  EXPECT_EQ(repository.warnings(),
            Lines{"role all below targets may list every name that fits \"*/*\" for any "
                  "hardware: give it a folder of its own, or hardware ids"});
  auto& entry = repository.sim.targets().delegations->roles.front();
  entry.any_hardware = false;
  entry.hardware_ids = {HardwareId("brake-mk4")};
  EXPECT_EQ(repository.warnings(), Lines{});
}

TEST(DelegationLints, NameOneKeyThatIsEnoughForEverything) {
  WiseRepository repository;
  repository.add("targets", delegated("all", {"*"}), 1);
  repository.sim.set_keys(kTargets, sim::keys("t", 2), 1);
  const Lines lines = repository.warnings();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "one key is enough for every name: targets has a threshold of 1");
  EXPECT_EQ(lines[2],
            "one key is enough for every name that fits \"*\": role all below targets has a threshold of 1");
}

TEST(DelegationLints, NameBinsOfOneKey) {
  WiseRepository repository;
  repository.sim.delegate_bins(kTargets, 1, "bin");
  repository.names = {RoleName("bin-0"), RoleName("bin-1")};
  EXPECT_EQ(repository.warnings(),
            Lines{"one key is enough for every name that targets may list: its bins bin "
                  "have a threshold of 1"});
}

TEST(DelegationLints, LetSiblingsForDifferentHardwareBe) {
  WiseRepository repository;
  auto brakes = delegated("brakes", {"*"}), doors = delegated("doors", {"*"});
  brakes.any_hardware = doors.any_hardware = false;
  brakes.hardware_ids = {HardwareId("brake-mk4")};
  doors.hardware_ids = {HardwareId("door-mk2")};
  repository.add("targets", brakes);
  repository.add("targets", doors);
  EXPECT_EQ(repository.warnings(), Lines{});
}

}  // namespace
}  // namespace cotter::app
