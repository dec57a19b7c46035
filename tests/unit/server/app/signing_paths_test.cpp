// The answer is proved by doing: for small trees, every choice of keys is tried on a real client's search.
#include "server/app/signing_paths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "server/app/image_reach.h"
#include "server/app/who_can_sign.h"
#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::app {
namespace {

using sim::delegated;
using sim::delegated_together;
using sim::kTargets;
using test::Client;

const TargetName kName("brakes/fw.bin");
const HardwareId kHardware("brake-mk4"), kOther("door-mk2");

model::DelegatedRole restricted(model::DelegatedRole role, const HardwareId& hardware) {
  role.any_hardware = false;
  role.hardware_ids = {hardware};
  return role;
}

/// A tree of roles: how it is made, the roles that somebody may take over, and what must be true of it.
struct Tree {
  std::string called;
  std::function<void(sim::RepositorySim&)> grow;
  std::vector<std::string> roles;   ///< beside targets
  std::optional<std::size_t> sets;  ///< minimal ones; where it is known
  std::vector<std::string> unasked = {};
  std::optional<HardwareId> hardware = {};
  std::vector<std::string> hidden = {};  ///< their files are missing
};
void PrintTo(const Tree& tree, std::ostream* out) { *out << tree.called; }

void list(sim::RepositorySim& sim, const std::string& role, std::string_view content) {
  sim.add_target(RoleName(role), kName, content);
}

const Tree kTrees[] = {
    {"TargetsAlone", [](auto& sim) { sim.set_keys(kTargets, sim::keys("t", 3), 2); }, {}, 3},
    {"TwoOfThree",
     [](auto& sim) {
       sim.set_keys(kTargets, sim::keys("t", 2), 2);
       sim.delegate(kTargets, delegated("brakes", {"brakes/*"}));
       sim.set_keys(RoleName("brakes"), sim::keys("b", 3), 2);
     },
     {"brakes"},
     4},
    {"Nested",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("brakes", {"brakes/*"}));
       sim.delegate(RoleName("brakes"), delegated("firmware", {"*/*.bin"}));
       sim.delegate(RoleName("brakes"), delegated("texts", {"*/*.txt"}));
       sim.delegate(kTargets, delegated("doors", {"doors/*"}));
       sim.delegate(RoleName("doors"), delegated("all", {"*/*"}));
     },
     {"brakes", "firmware", "texts", "doors", "all"},
     3},
    {"TerminatingRoleHidesALaterOne",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("brakes", {"brakes/*"}, true));
       sim.delegate(kTargets, delegated("late", {"*/*"}));
     },
     {"brakes", "late"},
     2,
     {"late"}},
    {"TerminatingRoleBelowHidesLaterOnesAtEveryLevel",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("one", {"*/*"}));
       sim.delegate(RoleName("one"), delegated("first", {"*/*"}));
       sim.delegate(RoleName("one"), delegated("last-word", {"*/*"}, true));
       sim.delegate(RoleName("one"), delegated("behind", {"*/*"}));
       sim.delegate(kTargets, delegated("late", {"*/*"}));
     },
     {"one", "first", "last-word", "behind", "late"},
     4,
     {"late", "behind"}},
    {"TerminatingRoleOfOtherPathsHidesNone",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("doors", {"doors/*"}, true));
       sim.delegate(kTargets, delegated("late", {"*/*"}));
     },
     {"doors", "late"},
     2},
    {"EarlierRoleListsItAlready",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("one", {"*/*"}));
       sim.delegate(kTargets, delegated("two", {"*/*"}));
       sim.delegate(kTargets, delegated("three", {"*/*"}));
       list(sim, "two", "honest");
     },
     {"one", "two", "three"},
     3,
     {"three"}},
    {"KeyOfTwoRoles",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("one", {"*/*"}));
       sim.delegate(kTargets, delegated("two", {"*/*"}));
       sim.set_keys(RoleName("one"), sim::keys("k", 3), 2);
       sim.set_keys(RoleName("two"), sim::pick(sim::keys("k", 3), {2}));
     },
     {"one", "two"},
     3},
    {"TwoOfThreeRolesAgree",
     [](auto& sim) {
       sim.delegate(kTargets, delegated_together("council", {"a", "b", "c"}, 2, {"brakes/*"}));
       sim.set_keys(RoleName("b"), sim::keys("b", 2), 2);
     },
     {"a", "b", "c"},
     4},
    {"RolesThatAgreeAreSearchedDownward",
     [](auto& sim) {
       sim.delegate(kTargets, delegated_together("council", {"a", "b"}, 2, {"*/*"}));
       sim.delegate(RoleName("a"), delegated("below", {"brakes/*"}, true));
       sim.delegate(RoleName("a"), delegated("behind", {"brakes/*"}));
       sim.delegate(kTargets, delegated("late", {"*/*"}));
     },
     {"a", "b", "below", "behind", "late"},
     4,
     {"behind"}},
    {"RolesThatAgreeOnIt",  // who spoils their agreement lets the next be heard
     [](auto& sim) {
       sim.delegate(kTargets, delegated_together("council", {"a", "b"}, 2, {"*/*"}));
       sim.delegate(kTargets, delegated("late", {"*/*"}));
       list(sim, "a", "honest");
       list(sim, "b", "honest");
     },
     {"a", "b", "late"},
     4},
    {"EarlierSetOfRolesIsInTheWayOfALater",
     [](auto& sim) {
       sim.delegate(kTargets, delegated_together("council", {"a", "b", "c", "d"}, 2, {"*/*"}, true));
       list(sim, "a", "honest");
       list(sim, "d", "honest");
     },
     {"a", "b", "c", "d"},
     6},
    {"OneOfSeveralRolesIsEnough",
     [](auto& sim) {
       sim.delegate(kTargets, delegated_together("council", {"a", "b", "c"}, 1, {"*/*"}));
       list(sim, "b", "honest");
     },
     {"a", "b", "c"},
     3},
    {"AgreementWithinAnAgreement",
     [](auto& sim) {
       sim.delegate(kTargets, delegated_together("council", {"a", "b"}, 2, {"*/*"}));
       sim.delegate(RoleName("a"), delegated_together("inner", {"c", "d"}, 2, {"*/*"}));
       list(sim, "b", "honest");
     },
     {"a", "b", "c", "d"},
     3},
    {"OneRoleBelowTwo",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("a", {"*/*"}));
       sim.delegate(kTargets, delegated("b", {"*/*"}));
       sim.delegate(RoleName("a"), delegated("below", {"*/*"}));
       sim.delegate(RoleName("b"), delegated("below", {"*/*"}));
     },
     {"a", "b", "below"},
     4,
     {"below"}},
    {"RoleForItsHardware",
     [](auto& sim) {
       sim.delegate(kTargets, restricted(delegated("brakes", {"*/*"}, true), kHardware));
       sim.delegate(kTargets, restricted(delegated("doors", {"*/*"}), kOther));
     },
     {"brakes", "doors"},
     2,
     {},
     kHardware},
    {"RoleForOtherHardware",
     [](auto& sim) {
       sim.delegate(kTargets, restricted(delegated("brakes", {"*/*"}, true), kHardware));
       sim.delegate(kTargets, restricted(delegated("doors", {"*/*"}), kOther));
     },
     {"brakes", "doors"},
     2,
     {},
     kOther},
    {"HashPrefix",
     [](auto& sim) {
       auto mine = delegated("mine", {}), others = delegated("others", {});
       const std::string digest = to_hex(crypto::sha256(as_bytes(kName.value())));
       mine.path_hash_prefixes = {digest.substr(0, 2)};
       others.path_hash_prefixes = {digest.substr(0, 1) == "0" ? "1" : "0"};
       sim.delegate(kTargets, others);
       sim.delegate(kTargets, mine);
     },
     {"mine", "others"},
     2},
    {"HashBins",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("releases", {"*/*"}));
       sim.delegate_bins(RoleName("releases"), 2, "bin");
       sim.delegate(kTargets, delegated("late", {"*/*"}));
     },
     {"releases", "bin-0", "bin-1", "bin-2", "bin-3", "late"},
     3,
     {"late"}},
    {"SupplierInBins",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("acme", {"brakes/*"}, true));
       sim.set_keys(RoleName("acme"), sim::keys("k", 3), 2);
       sim.delegate_bins(RoleName("acme"), 1, "acme", sim::keys("k", 3), 2);
     },
     {"acme", "acme-0", "acme-1"},
     4},
    // Its own file still lists the key that the targets list no more.
    {"SupplierInBinsWhoseKeysHaveChanged",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("acme", {"brakes/*"}, true));
       sim.set_keys(RoleName("acme"), sim::pick(sim::keys("k", 4), {0, 1, 3}), 2);
       sim.delegate_bins(RoleName("acme"), 1, "acme", sim::pick(sim::keys("k", 4), {0, 1, 2}), 2);
       sim.add_target(sim.targets(RoleName("acme")).delegations->succinct->bin_of(kName), kName, "honest");
     },
     {"acme", "acme-0", "acme-1"},
     6},
    {"FileThatIsHiddenEndsTheSearch",
     [](auto& sim) {
       sim.delegate(kTargets, delegated("one", {"*/*"}));
       sim.delegate(kTargets, delegated("gone", {"*/*"}));
       sim.delegate(kTargets, delegated("late", {"*/*"}));
     },
     {"one", "gone", "late"},
     3,
     {"late"},
     {},
     {"gone"}},
    {"FileThatIsHiddenEndsAnAgreement",
     [](auto& sim) {
       sim.delegate(kTargets, delegated_together("council", {"a", "gone", "c"}, 2, {"*/*"}));
       sim.delegate(kTargets, delegated("late", {"*/*"}));
     },
     {"a", "gone", "c", "late"},
     4,
     {},
     {},
     {"gone"}},
};

/// Four roles below one another and beside one another, some of them together, as chance has it.
Tree random_tree(std::uint32_t seed) {
  const auto grow = [seed](sim::RepositorySim& sim) {
    std::mt19937 random(seed);
    const auto one_in = [&](std::uint32_t many) { return random() % many == 0; };
    std::vector<std::string> above{"targets"};
    const auto parent = [&] { return RoleName(above[random() % above.size()]); };
    const auto finish = [&](model::DelegatedRole entry) {
      if (one_in(5)) entry = restricted(std::move(entry), one_in(3) ? kOther : kHardware);
      sim.delegate(parent(), std::move(entry));
    };
    for (const std::string role : {"a", "b", "c", "d"}) {
      if (role != "d" && one_in(3)) {
        const std::string next(1, static_cast<char>(role.front() + 1));
        finish(
            delegated_together(role + "-and-" + next, {role, next}, one_in(4) ? 1 : 2, {"*/*"}, one_in(4)));
      } else if (role == "d" && one_in(2)) {
        finish(delegated_together("council", {role, one_in(2) ? "a" : "b", "c"}, 2, {"*/*"}));
      } else {
        finish(delegated(role, {one_in(5) ? "doors/*" : "brakes/*"}, one_in(4)));
      }
      above.push_back(role);
    }
    for (const char* role : {"a", "b", "c", "d"}) {
      if (one_in(3)) list(sim, role, one_in(3) ? "other" : "honest");
    }
  };
  return {"Random" + std::to_string(seed), grow, {"a", "b", "c", "d"}, std::nullopt, {}, kHardware};
}
std::vector<Tree> random_trees(std::uint32_t from, std::uint32_t to) {
  std::vector<Tree> trees;
  for (std::uint32_t seed = from; seed < to; ++seed) trees.push_back(random_tree(seed));
  return trees;
}

enum class Act { Leave, List, Empty };
using Plan = std::map<RoleName, Act>;

class SigningPathsProof : public testing::TestWithParam<Tree> {
 protected:
  /// The repository of this tree, published.
  void grow(Client& client) {
    GetParam().grow(client.sim);
    client.sim.publish(model::root_role());
    for (const RoleName& role : roles()) {
      if (role != kTargets) client.sim.publish(role);
    }
    client.sim.release({kTargets});
    for (const std::string& role : GetParam().hidden) {
      client.sim.files.erase(client.sim.path_of(RoleName(role)));
    }
  }
  [[nodiscard]] static std::vector<RoleName> roles() {
    std::vector<RoleName> all{kTargets};
    for (const std::string& role : GetParam().roles) all.emplace_back(role);
    return all;
  }
  static sim::Keys those_of(const sim::Keys& keys, const std::set<std::string>& held) {
    sim::Keys some;
    for (const auto& key : keys) {
      if (held.contains(key->public_key().material())) some.push_back(key);
    }
    return some;
  }
  /// Whether a vehicle takes the file that was put there by these keys and by nothing else, but for those of
  /// snapshot and timestamp.
  bool succeeds(const Plan& plan, const std::set<std::string>& held) {
    Client client;
    grow(client);
    for (const auto& [role, act] : plan) {
      if (act == Act::Leave) continue;
      model::Targets& file = client.sim.targets(role);
      file.targets.clear();
      file.delegations.reset();
      if (act == Act::List) client.sim.add_target(role, kName, "evil");
      client.sim.signers[role] = those_of(client.sim.signers[role], held);
      client.sim.publish(role);
    }
    client.sim.release({});
    const auto found = client.find(kName.value().c_str(), GetParam().hardware);
    return found && found->target.hashes == crypto::Hashes::of(as_bytes("evil"));
  }
  [[nodiscard]] static bool changes_no_more(const Plan& one, const Plan& other) {
    return std::all_of(one.begin(), one.end(), [&](const auto& step) {
      return step.second == Act::Leave || other.at(step.first) != Act::Leave;
    });
  }
  /// The plans by which somebody with all keys succeeds; of those that change the same roles or more one will
  /// do, for that is what a plan costs.
  std::vector<Plan> winning_plans() {
    std::vector<Plan> all{{}}, won;
    for (const RoleName& role : roles()) {
      const std::vector<Plan> before = std::exchange(all, {});
      for (const Act act : {Act::Leave, Act::List, Act::Empty}) {
        for (const Plan& plan : before) all.emplace_back(plan).emplace(role, act);
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Plan& a, const Plan& b) { return changes_of(a) < changes_of(b); });
    for (const Plan& plan : all) {
      const bool is_no_news =
          std::any_of(won.begin(), won.end(), [&](const Plan& one) { return changes_no_more(one, plan); });
      if (!is_no_news && succeeds(plan, all_keys_)) won.push_back(plan);
    }
    return won;
  }
  static std::ptrdiff_t changes_of(const Plan& plan) {
    return std::count_if(plan.begin(), plan.end(),
                         [](const auto& step) { return step.second != Act::Leave; });
  }
  [[nodiscard]] bool may_sign(const RoleName& role, const std::set<std::string>& held) const {
    const auto& [keys, threshold] = allowed_.at(role);
    return those_of(keys, held).size() >= threshold;
  }
  [[nodiscard]] bool may_carry_out(const Plan& plan, const std::set<std::string>& held) const {
    return std::all_of(plan.begin(), plan.end(), [&](const auto& step) {
      return step.second == Act::Leave || may_sign(step.first, held);
    });
  }
  /// Who may sign each role, and with how many keys, from what the tree says.
  void learn_keys(Client& client) {
    const auto learn = [&](const RoleName& role, const model::RoleKeys& keys) {
      allowed_[role] = {client.sim.signers.at(role), keys.threshold};
      for (const auto& key : client.sim.signers.at(role)) all_keys_.insert(key->public_key().material());
    };
    learn(kTargets, client.sim.root.roles.at(kTargets));
    for (const RoleName& parent : roles()) {
      const auto& delegations = client.sim.targets(parent).delegations;
      if (!delegations) continue;
      for (const RoleName& role : roles()) {
        if (const auto* keys = delegations->keys_of(role)) learn(role, *keys);
      }
    }
  }

  std::map<RoleName, std::pair<sim::Keys, std::size_t>> allowed_;
  std::set<std::string> all_keys_;
};

TEST_P(SigningPathsProof, IsWhatARealSearchMakesOfEveryChoiceOfKeys) {
  Client client;
  grow(client);
  learn_keys(client);
  auto image = client.refresh();
  ASSERT_TRUE(image) << explain(image.error());
  const auto paths = signing_paths(*image, client.sim, kName, GetParam().hardware);
  ASSERT_TRUE(paths) << explain(paths.error());
  const KeySets sets = smallest_sets(paths->requirement, 1000);
  if (GetParam().sets) {
    EXPECT_EQ(sets.count, *GetParam().sets);
    std::vector<std::string> unasked;
    for (const UnaskedRole& role : paths->unasked) unasked.push_back(role.role.value());
    EXPECT_EQ(unasked, GetParam().unasked);
  }

  const std::vector<Plan> plans = winning_plans();
  const std::vector<std::string> keys(all_keys_.begin(), all_keys_.end());
  ASSERT_LE(keys.size(), 10U);
  for (std::uint32_t choice = 0; choice < 1U << keys.size(); ++choice) {
    std::set<std::string> held;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if ((choice >> i & 1U) != 0) held.insert(keys[i]);
    }
    const bool can =
        std::any_of(plans.begin(), plans.end(), [&](const Plan& plan) { return may_carry_out(plan, held); });
    ASSERT_EQ(paths->requirement.met_by(held), can) << "keys " << choice;
  }
  for (const KeySet& set : sets.shortest) {
    std::set<std::string> held;
    for (const SigningKey& key : set) held.insert(key.material);
    const auto plan =
        std::find_if(plans.begin(), plans.end(), [&](const Plan& each) { return may_carry_out(each, held); });
    ASSERT_NE(plan, plans.end());
    EXPECT_TRUE(succeeds(*plan, held)) << "signed by a minimal set alone";
    for (const SigningKey& key : set) {
      std::set<std::string> fewer = held;
      fewer.erase(key.material);
      EXPECT_FALSE(succeeds(*plan, fewer)) << "without " << key.id.value();
    }
  }
}

/// What is said to be out of some keys' reach is so for every name.
TEST_P(SigningPathsProof, GivesNoKeysMoreThanTheirBlastRadius) {
  Client client;
  grow(client);
  learn_keys(client);
  const auto image = client.refresh();
  ASSERT_TRUE(image);
  const auto paths = signing_paths(*image, client.sim, kName, GetParam().hardware);
  ASSERT_TRUE(paths);
  DelegationTree tree(*image, client.sim);
  for (const KeySet& set : smallest_sets(paths->requirement, 1000).shortest) {
    std::set<std::string> held;
    for (const SigningKey& key : set) held.insert(key.material);
    const auto reaches = reach_below_targets(held, tree);
    ASSERT_TRUE(reaches);
    const bool is_within = std::any_of(reaches->begin(), reaches->end(), [&](const Reach& reach) {
      return std::all_of(reach.way.begin(), reach.way.end(), [&](const model::DelegatedRole* entry) {
        return trust::applies(*entry, kName, GetParam().hardware);
      });
    });
    EXPECT_TRUE(is_within || may_sign(kTargets, held));
  }
}

INSTANTIATE_TEST_SUITE_P(Trees, SigningPathsProof, testing::ValuesIn(kTrees),
                         [](const auto& tree) { return tree.param.called; });
INSTANTIATE_TEST_SUITE_P(Forest, SigningPathsProof, testing::ValuesIn(random_trees(0, 12)),
                         [](const auto& tree) { return tree.param.called; });

TEST(WhoCanSign, AsksASupplierAndThenTheBinThatHasTheName) {
  Client client;
  sim::RepositorySim& sim = client.sim;
  const RoleName acme("acme");
  sim.delegate(kTargets, restricted(delegated("acme", {"brakes/*"}, true), kHardware));
  sim.set_keys(acme, sim::keys("k", 3), 2);
  sim.delegate_bins(acme, 1, "acme", sim::keys("k", 3), 2);
  const RoleName bin = sim.targets(acme).delegations->succinct->bin_of(kName);
  sim.add_target(bin, kName, "a build");
  for (const RoleName& role : {acme, RoleName("acme-0"), RoleName("acme-1")}) sim.publish(role);
  sim.release({kTargets});
  const WhoCanSign who = who_can_sign(sim, std::nullopt, kName, kHardware, 20).value();
  EXPECT_EQ(who.sets.count, 4U) << "the targets' one key, and any two of the supplier's three";
  const std::vector<AskedRole>& asked = who.searches.front().paths.asked;
  ASSERT_EQ(asked.size(), 3U);
  EXPECT_EQ(asked[1].role, acme);
  EXPECT_EQ(asked[2].role, bin);
  EXPECT_EQ(asked[2].delegator, acme);
  EXPECT_EQ(asked[2].by, "hash bin");
  EXPECT_TRUE(asked[2].lists);
  EXPECT_EQ(asked[2].keys.fewest(), 2U);
  const WhoCanSign elsewhere = who_can_sign(sim, std::nullopt, kName, kOther, 20).value();
  EXPECT_EQ(elsewhere.sets.count, 1U) << "the targets alone, for other hardware";
}

TEST(WhoCanSign, AsksForEveryHardwareThatDelegationsTellApart) {
  Client client;
  sim::RepositorySim& sim = client.sim;
  // To a brake the second role is as good as absent; to all others the first is.
  sim.delegate(kTargets, restricted(delegated("brakes", {"*/*"}, true), kHardware));
  sim.delegate(kTargets, delegated("doors", {"*/*"}, true));
  sim.delegate(kTargets, restricted(delegated("never", {"*/*"}), kOther));
  for (const char* role : {"brakes", "doors", "never"}) sim.publish(RoleName(role));
  sim.release({kTargets});
  const auto roles_of = [](const WhoCanSign& who) {
    std::vector<std::string> roles;
    for (const KeySet& set : who.sets.shortest) {
      EXPECT_EQ(set.size(), 1U);
      for (const HardwareSearch& search : who.searches) {
        for (const AskedRole& asked : search.paths.asked) {
          if (asked.keys.keys == set && std::count(roles.begin(), roles.end(), asked.role.value()) == 0) {
            roles.push_back(asked.role.value());
          }
        }
      }
    }
    return roles;
  };
  const auto ask = [&](const std::optional<HardwareId>& hardware) {
    return who_can_sign(sim, std::nullopt, kName, hardware, 20).value();
  };
  const WhoCanSign any = ask(std::nullopt);
  EXPECT_EQ(roles_of(any), (std::vector<std::string>{"targets", "doors", "brakes"}));
  ASSERT_EQ(any.searches.size(), 3U);
  EXPECT_FALSE(any.searches[0].hardware);
  EXPECT_EQ(roles_of(ask(kHardware)), (std::vector<std::string>{"targets", "brakes"}));
  EXPECT_EQ(roles_of(ask(kOther)), (std::vector<std::string>{"targets", "doors"}));
}

}  // namespace
}  // namespace cotter::app
