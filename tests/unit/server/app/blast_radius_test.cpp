// The server's rows of the matrix of stolen keys (docs/threat-model.md): what follows, and nothing else.
#include "server/app/blast_radius.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/model/time_source.h"
#include "server/app/signing_paths.h"
#include "server/storage/sqlite/database.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/trust/trust_kit.h"
#include "tests/unit/server/fleet.h"

namespace cotter::app {
namespace {

using sim::delegated;
using sim::delegated_together;
using Lines = std::vector<std::string>;

model::DelegatedRole for_hardware(model::DelegatedRole role, const char* hardware) {
  role.any_hardware = false;
  role.hardware_ids = {HardwareId(hardware)};
  return role;
}

/// Two vehicles with a gateway, a brake and, partially verifying, a door; a supplier's role for each of the
/// last two, and bins for the first.
struct World {
  World() : db(storage::open_database(dir.path() / "cotter.db").value()), inventory(db) {
    EXPECT_TRUE(inventory.add(test::factory_record("VIN-1", "A-", 1), test::kNoon));
    EXPECT_TRUE(inventory.add(test::factory_record("VIN-2", "B-", 11), test::kNoon));
    const RoleName targets = model::targets_role(), releases("releases");
    director.sim.set_keys(model::root_role(), sim::keys("director-root", 3), 2);
    director.sim.set_keys(model::time_source_role(), sim::keys("time", 1));
    image.sim.set_keys(model::root_role(), sim::keys("image-root", 3), 2);
    image.sim.set_keys(targets, sim::keys("image-targets", 3), 2);
    image.sim.delegate(targets, for_hardware(delegated("brakes", {"brakes/*"}), "brake-mk4"));
    image.sim.delegate(targets, for_hardware(delegated("doors", {"doors/*"}), "door-mk2"));
    image.sim.delegate(targets, for_hardware(delegated("releases", {"gateway/*"}), "gateway-mk1"));
    image.sim.delegate_bins(releases, 1, "bin");
    publish({"brakes", "doors", "releases", "bin-0", "bin-1"});
  }
  void publish(std::initializer_list<const char*> roles) {
    // The first root is pinned as it was: the next is signed by its key and by the new ones.
    sim::Keys both = sim::keys("image-root", 3);
    both.push_back(first_image_root);
    image.sim.signers[model::root_role()] = both;
    image.sim.publish(model::root_role());
    for (const char* role : roles) image.sim.publish(RoleName(role));
    image.sim.release({model::targets_role()});
  }

  /// "image/targets", or "image/targets*1" for one of its keys.
  [[nodiscard]] std::set<std::string> materials(const Lines& held) const {
    std::set<std::string> all;
    for (const std::string& text : held) {
      const auto star = text.find('*');
      const std::string name = text.substr(0, star);
      const bool is_image = name.starts_with("image/");
      const RoleName role(name.substr(name.find('/') + 1));
      const auto& keys = is_image && role == model::root_role() ? sim::keys("image-root", 3)
                         : !is_image && role == model::root_role()
                             ? sim::keys("director-root", 3)
                             : (is_image ? image : director).sim.signers.at(role);
      std::size_t wanted = star == std::string::npos ? keys.size() : std::stoul(text.substr(star + 1));
      for (const auto& key : keys) {
        if (wanted-- == 0) break;
        all.insert(key->public_key().material());
      }
    }
    return all;
  }
  BlastRadius of(const Lines& held) {
    auto radius =
        blast_radius(materials(held), image.refresh().value(), image.sim, director.sim.root, &inventory);
    EXPECT_TRUE(radius) << explain(radius.error());
    return *std::move(radius);
  }

  sim::TempDir dir;
  host::Db db;
  storage::InventoryStore inventory;
  test::Client image{"image"}, director{"director", test::director_policy()};
  std::shared_ptr<crypto::Signer> first_image_root = image.sim.signers.at(model::root_role()).front();
};

std::string spelt(const ImageScope& scope) {
  std::string text;
  for (const auto& any : scope.paths) {
    for (const std::string& path : any) text += path + " ";
    text += "& ";
  }
  text += "for";
  if (!scope.hardware) text += " any";
  for (const HardwareId& id : scope.hardware.value_or(std::vector<HardwareId>())) text += " " + id.value();
  return text + ": " + std::to_string(scope.reach.ecus) + " in " + std::to_string(scope.reach.vehicles);
}

Lines powers_in(const BlastRadius& radius) {
  Lines lines;
  for (const Effect& effect : radius.effects) {
    std::string line(name_of(effect.power));
    if (effect.repository) line += " " + std::string(name_of(*effect.repository));
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}
Lines scopes_in(const BlastRadius& radius) {
  Lines lines;
  for (const Effect& effect : radius.effects) {
    for (const ImageScope& scope : effect.scopes) lines.push_back(spelt(scope));
  }
  return lines;
}

const Lines kDirectorOnline = {"director/timestamp", "director/snapshot", "director/targets"};
Lines with_director(Lines more) {
  more.insert(more.end(), kDirectorOnline.begin(), kDirectorOnline.end());
  return more;
}

struct Row {
  const char* called;
  Lines held;
  Lines can;     ///< all that he can: of the rest nothing
  Lines scopes;  ///< of images
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.called; }

const char* const kEverything = "for any: 6 in 2";
const Row kRows[] = {
    {"DirectorTimestamp", {"director/timestamp"}, {"freeze director"}, {}},
    {"DirectorTimestampAndSnapshot",
     {"director/timestamp", "director/snapshot"},
     {"fast-forward director", "freeze director"},
     {}},
    {"DirectorOnlineKeys",
     kDirectorOnline,
     {"anything-on-partial", "choose-among-listed", "fast-forward director", "freeze director"},
     {}},
    {"DirectorRoot",
     {"director/root*2"},
     {"anything-on-partial", "bend-time", "choose-among-listed", "fast-forward director", "freeze director",
      "persist director"},
     {}},
    {"ImageTimestamp", {"image/timestamp"}, {"freeze image"}, {}},
    {"ImageTimestampAndSnapshot",
     {"image/timestamp", "image/snapshot"},
     {"fast-forward image", "freeze image"},
     {}},
    {"ImageTargetsAlone", {"image/targets*2"}, {"sign-images"}, {kEverything}},
    {"SupplierAlone", {"image/brakes"}, {"sign-images"}, {"brakes/* & for brake-mk4: 2 in 2"}},
    {"ImageTargetsTimestampAndSnapshot",
     {"image/targets*2", "image/timestamp", "image/snapshot"},
     {"fast-forward image", "freeze image", "publish-images"},
     {kEverything}},
    {"SupplierWithAllOnlineKeys",
     with_director({"image/brakes", "image/timestamp", "image/snapshot"}),
     {"anything-on-partial", "choose-among-listed", "fast-forward director", "fast-forward image",
      "freeze director", "freeze image", "install-images"},
     {"brakes/* & for brake-mk4: 2 in 2"}},
    {"ImageRootAndDirectorOnlineKeys",
     with_director({"image/root*2"}),
     {"anything-on-partial", "choose-among-listed", "fast-forward director", "fast-forward image",
      "freeze director", "freeze image", "install-anything", "persist image"},
     {kEverything}},
    {"ReleaseKeyWithAllOnlineKeys",
     with_director({"image/bin-0", "image/timestamp", "image/snapshot"}),
     {"anything-on-partial", "choose-among-listed", "fast-forward director", "fast-forward image",
      "freeze director", "freeze image", "install-images"},
     {"gateway/* & for gateway-mk1: 2 in 2"}},
    {"TimeKey", {"director/x-time-source"}, {"bend-time"}, {}},
    {"BelowEveryThreshold", {"image/targets*1", "image/root*1", "director/root*1"}, {}, {}},
    {"ImageTargetsBelowThresholdWithAllOnlineKeys",
     with_director({"image/targets*1", "image/timestamp", "image/snapshot"}),
     {"anything-on-partial", "choose-among-listed", "fast-forward director", "fast-forward image",
      "freeze director", "freeze image"},
     {}},
    {"SupplierAndDirectorWithoutTheImageRepositorysOnlineKeys",
     with_director({"image/brakes"}),
     {"anything-on-partial", "choose-among-listed", "fast-forward director", "freeze director",
      "sign-images"},
     {"brakes/* & for brake-mk4: 2 in 2"}},
};

class BlastRadiusMatrix : public testing::TestWithParam<Row> {};

TEST_P(BlastRadiusMatrix, SaysWhatFollowsAndNothingElse) {
  World world;
  const BlastRadius radius = world.of(GetParam().held);
  EXPECT_EQ(powers_in(radius), GetParam().can);
  EXPECT_EQ(scopes_in(radius), GetParam().scopes);
  for (const Effect& effect : radius.effects) {
    const bool is_of_partial = effect.power == Power::AnythingOnPartial;
    if (!effect.scopes.empty()) continue;
    EXPECT_EQ(effect.reach, (storage::FleetCount{2, is_of_partial ? 2U : 6U}));
  }
}

bool is_within(const ImageScope& scope, const TargetName& name, const HardwareId& hardware) {
  if (scope.hardware && std::count(scope.hardware->begin(), scope.hardware->end(), hardware) == 0)
    return false;
  return std::all_of(scope.paths.begin(), scope.paths.end(), [&](const auto& any) {
    return std::any_of(any.begin(), any.end(), [&](const std::string& pattern) {
      return model::glob_matches(pattern, name.value());
    });
  });
}

TEST_P(BlastRadiusMatrix, AgreesWithWhoCanSignEachName) {
  World world;
  const auto held = world.materials(GetParam().held);
  const BlastRadius radius = world.of(GetParam().held);
  const Lines powers = powers_in(radius);
  if (std::count(powers.begin(), powers.end(), "persist image") > 0) return;  // a search never asks the root
  const auto image = world.image.refresh().value();
  for (const char* name : {"brakes/a", "doors/a", "gateway/a", "gateway/b", "other/a", "a"}) {
    for (const char* hardware : {"brake-mk4", "door-mk2", "gateway-mk1", "none"}) {
      const auto paths = signing_paths(image, world.image.sim, TargetName(name), HardwareId(hardware));
      bool is_said = false;
      for (const Effect& effect : radius.effects) {
        for (const ImageScope& scope : effect.scopes) {
          is_said = is_said || is_within(scope, TargetName(name), HardwareId(hardware));
        }
      }
      EXPECT_EQ(is_said, paths->requirement.met_by(held)) << name << " for " << hardware;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, BlastRadiusMatrix, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.called); });

TEST(BlastRadius, SaysHowManyKeysAreLacking) {
  World world;
  const BlastRadius radius = world.of({"image/targets*1", "image/brakes"});
  ASSERT_EQ(radius.grips.size(), 2U);
  EXPECT_EQ(radius.grips[0].role, model::targets_role());
  EXPECT_EQ(radius.grips[0].lacking(), 1U);
  EXPECT_EQ(radius.grips[1].role, RoleName("brakes"));
  EXPECT_EQ(radius.grips[1].delegator, model::targets_role());
  EXPECT_EQ(radius.grips[1].lacking(), 0U);
}

TEST(BlastRadius, OfKeysThatFallShortOfARequiredClassIsNothing) {
  World world;
  model::RoleKeys& targets = world.image.sim.root.roles.at(model::targets_role());
  targets.classes = {model::ClassThresholds::Stage::Require, {{crypto::KeyClass::Classical, 3}}, {}};
  world.image.sim.signers[model::targets_role()] = sim::keys("image-targets", 3);
  world.publish({});
  const BlastRadius two = world.of({"image/targets*2"});
  EXPECT_EQ(powers_in(two), Lines{});
  EXPECT_EQ(two.grips.at(0).lacking(), 1U);
  EXPECT_NE(powers_in(world.of({"image/targets"})), Lines{});
}

TEST(BlastRadius, OfAKeyOfNoRoleIsNothing) {
  World world;
  const auto radius =
      blast_radius({sim::key("stray")->public_key().material()}, world.image.refresh().value(),
                   world.image.sim, world.director.sim.root, nullptr);
  EXPECT_TRUE(radius->grips.empty());
  EXPECT_TRUE(radius->effects.empty());
}

TEST(BlastRadius, OfOneOfTwoRolesThatMustAgreeIsNothing) {
  World world;
  world.image.sim.delegate(model::targets_role(),
                           delegated_together("council", {"oem", "supplier"}, 2, {"x/*"}));
  world.publish({"oem", "supplier"});
  EXPECT_EQ(powers_in(world.of({"image/oem"})), Lines{});
  const BlastRadius both = world.of({"image/oem", "image/supplier"});
  EXPECT_EQ(scopes_in(both), Lines{"x/* & for any: 6 in 2"});
  EXPECT_EQ(both.effects.front().scopes.front().roles, (std::vector{RoleName("oem"), RoleName("supplier")}));
}

TEST(BlastRadius, EndsWhereEveryDelegationAboveEnds) {
  World world;
  world.image.sim.delegate(RoleName("brakes"), delegated("firmware", {"*/fw-*"}));
  world.image.sim.delegate(RoleName("brakes"), delegated("stray", {"doors/*"}));
  world.publish({"brakes", "firmware", "stray"});
  EXPECT_EQ(scopes_in(world.of({"image/firmware"})), Lines{"brakes/* & */fw-* & for brake-mk4: 2 in 2"});
  EXPECT_EQ(powers_in(world.of({"image/stray"})), Lines{});
}

/// A supplier in bins, two of whose three keys sign. The holders have given it a new key, 4 for 3, and it has
/// not handed in since: its own file lists 3 yet.
void add_supplier_in_bins(World& world) {
  const RoleName seats("seats");
  const sim::Keys keys = sim::keys("seats", 4);
  world.image.sim.delegate(model::targets_role(),
                           for_hardware(delegated("seats", {"seats/*/*"}, true), "door-mk2"));
  world.image.sim.set_keys(seats, sim::pick(keys, {0, 1, 3}), 2);
  world.image.sim.delegate_bins(seats, 1, "seats", sim::pick(keys, {2, 0, 1}), 2);
  world.publish({"seats", "seats-0", "seats-1"});
}

TEST(BlastRadius, OfASupplierInBinsIsWhatItMayList) {
  World world;
  add_supplier_in_bins(world);
  const BlastRadius alone = world.of({"image/seats*2"});
  EXPECT_EQ(powers_in(alone), Lines{"sign-images"});
  EXPECT_EQ(scopes_in(alone), Lines{"seats/*/* & for door-mk2: 2 in 2"});
  EXPECT_EQ(alone.effects.front().scopes.front().roles, std::vector{RoleName("seats")});
  const BlastRadius online = world.of(with_director({"image/seats*2", "image/timestamp", "image/snapshot"}));
  const auto install = std::find_if(online.effects.begin(), online.effects.end(), [](const Effect& effect) {
    return effect.power == Power::InstallImages;
  });
  ASSERT_NE(install, online.effects.end());
  EXPECT_EQ(install->reach, (storage::FleetCount{2, 2})) << "a door in each vehicle";
  EXPECT_EQ(scopes_in(online), scopes_in(alone));
}

TEST(BlastRadius, OfTheKeysThatABinStillTakesIsWhatItsSupplierMayList) {
  World world;
  add_supplier_in_bins(world);
  const BlastRadius radius = world.of({"image/seats-0*2"});  // 3, which the targets list no more, and 1
  EXPECT_EQ(powers_in(radius), Lines{"sign-images"});
  EXPECT_EQ(scopes_in(radius), Lines{"seats/*/* & for door-mk2: 2 in 2"});
  ASSERT_EQ(radius.grips.size(), 2U);
  EXPECT_EQ(radius.grips[0].delegator, model::targets_role());
  EXPECT_EQ(radius.grips[0].lacking(), 1U);
  EXPECT_EQ(radius.grips[1].delegator, RoleName("seats"));
  EXPECT_EQ(radius.grips[1].lacking(), 0U);
}

TEST(BlastRadius, OfOneKeyOfASupplierInBinsIsNothing) {
  World world;
  add_supplier_in_bins(world);
  for (const char* held : {"image/seats*1", "image/seats-0*1"}) {
    const BlastRadius radius = world.of(with_director({held, "image/timestamp", "image/snapshot"}));
    EXPECT_EQ(scopes_in(radius), Lines{}) << held;
    EXPECT_EQ(powers_in(world.of({held})), Lines{}) << held;
    EXPECT_EQ(radius.grips.back().lacking(), 1U) << held;
  }
}

TEST(BlastRadius, NamesThoseWhoAreAskedBefore) {
  World world;
  world.image.sim.delegate(model::targets_role(), delegated("late", {"brakes/*", "b/*"}));
  world.image.sim.delegate(model::targets_role(), delegated("last", {"c/*"}, true));
  world.image.sim.delegate(model::targets_role(), delegated("never", {"c/x*"}));
  world.image.sim.delegate(model::targets_role(), delegated("partly", {"c/*", "d/*"}));
  world.publish({"late", "last", "never", "partly"});
  const BlastRadius late = world.of({"image/late"});
  ASSERT_EQ(late.effects.size(), 1U);
  EXPECT_EQ(late.effects.front().scopes.front().asked_before, std::vector{RoleName("brakes")});
  const BlastRadius partly = world.of({"image/partly"});
  EXPECT_EQ(partly.effects.front().scopes.front().ended_before, std::vector{RoleName("last")});
  EXPECT_EQ(powers_in(world.of({"image/never"})), Lines{}) << "behind a terminating role that covers it";
}

}  // namespace
}  // namespace cotter::app
