#include "server/app/image_reach.h"

#include <algorithm>
#include <iterator>

#include "common/base/limits.h"
#include "server/app/requirement.h"
#include "server/repository/path_patterns.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

using model::DelegatedRole;

/// The delegations that lead to a role, targets' own first.
using Way = std::vector<const DelegatedRole*>;
constexpr std::size_t kMostScopes = 200;    // a person reads them
constexpr std::size_t kMostLooks = 10'000;  // at one role on one way: who nests more means no good

bool is_open(const Way& way) {
  for (auto one = way.begin(); one != way.end(); ++one) {
    if (std::any_of(std::next(one), way.end(),
                    [&](const DelegatedRole* other) { return !repository::shared_paths(**one, *other); })) {
      return false;
    }
  }
  return true;
}

std::vector<std::string> paths_in(const DelegatedRole& entry) {
  std::vector<std::string> paths = entry.paths;
  for (const std::string& prefix : entry.path_hash_prefixes) paths.push_back("hash prefix " + prefix);
  return paths;
}

/// All names that fit `narrow` fit `wide`, whatever the hardware.
bool leaves_all_names(const DelegatedRole& wide, DelegatedRole narrow) {
  narrow.any_hardware = wide.any_hardware;
  narrow.hardware_ids = wide.hardware_ids;
  return repository::entry_covers(wide, narrow);
}

/// What the held keys reach below targets, where targets itself is out of reach.
class Search {
 public:
  Search(const std::set<std::string>& held, DelegationTree& tree) : held_(&held), tree_(&tree) {}

  Result<std::vector<Reach>> below(const RoleName& role, const RoleName& delegator) {
    std::vector<Reach> found;
    if (above_.size() > depth_ || ++looks_ > kMostLooks) return found;  // vehicles give up long before
    if (!above_.insert(role).second) return found;                      // a circle
    if (const auto* delegations = TRY(tree_->delegations_of(role, delegator))) {
      TRY(look_at(role, *delegations, found));
    }
    above_.erase(role);
    return found;
  }

 private:
  Result<void> look_at(const RoleName& role, const model::Delegations& delegations,
                       std::vector<Reach>& found) {
    if (const auto& bins = delegations.succinct) {
      const RoleName shown(bins->name_prefix);
      if (holds(Requirement::keys_of(shown, bins->keys, delegations.keys)))
        found.push_back({{shown}, {}, {}, {}});
    }
    std::vector<const DelegatedRole*> before;
    for (const DelegatedRole& entry : delegations.roles) {
      const bool is_shadowed = std::any_of(before.begin(), before.end(), [&](const DelegatedRole* earlier) {
        return earlier->terminating && repository::entry_covers(*earlier, entry);
      });
      if (!is_shadowed) {
        for (Reach& reach : TRY(through(entry, role, delegations.keys))) {
          reach.way.insert(reach.way.begin(), &entry);
          note_earlier(before, entry, reach);
          if (is_open(reach.way) && found.size() < kMostScopes) found.push_back(std::move(reach));
        }
      }
      before.push_back(&entry);
    }
    return {};
  }

  /// All ways to have an entry find a file: each of so many of its roles by its own keys or by a role below.
  Result<std::vector<Reach>> through(const DelegatedRole& entry, const RoleName& delegator,
                                     const model::KeyRing& ring) {
    const std::vector<model::AgreeingRole> roles = entry.roles();
    const std::size_t least = roles.size() == 1 ? 1 : entry.min_roles_in_agreement;
    std::vector<std::vector<Reach>> by_count(least + 1);
    by_count.front().emplace_back();
    for (const model::AgreeingRole& role : roles) {
      std::vector<Reach> ways;
      if (holds(Requirement::keys_of(role.name, role.keys, ring))) {
        ways.push_back({{role.name}, {}, {}, {}});
      } else {
        ways = TRY(below(role.name, delegator));
      }
      for (std::size_t count = least; count > 0; --count) {
        for (const Reach& before : by_count[count - 1]) {
          for (const Reach& way : ways) {
            if (by_count[count].size() < kMostScopes) by_count[count].push_back(joined(before, way));
          }
        }
      }
    }
    return std::move(by_count.back());
  }

  static Reach joined(const Reach& one, const Reach& other) {
    const auto append = [](auto& all, const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
    Reach both = one;
    append(both.roles, other.roles);
    append(both.way, other.way);
    append(both.asked_before, other.asked_before);
    append(both.ended_before, other.ended_before);
    return both;
  }

  static void note_earlier(const std::vector<const DelegatedRole*>& before, const DelegatedRole& entry,
                           Reach& reach) {
    for (const DelegatedRole* earlier : before) {
      if (!repository::shared_paths(*earlier, entry)) continue;
      auto& names = earlier->terminating ? reach.ended_before : reach.asked_before;
      for (const model::AgreeingRole& role : earlier->roles()) names.push_back(role.name);
    }
  }

  [[nodiscard]] bool holds(const Requirement& keys) const { return keys.met_by(*held_); }

  const std::set<std::string>* held_;
  DelegationTree* tree_;
  std::set<RoleName> above_;
  std::size_t depth_ = Limits{}.delegation_depth;
  std::size_t looks_ = 0;
};

}  // namespace

Result<const model::Delegations*> DelegationTree::delegations_of(const RoleName& role,
                                                                 const RoleName& delegator) {
  if (image_.targets(role, delegator) == nullptr) {
    const auto loaded = repository::load_delegated(image_, *transport_, role, delegator);
    if (!loaded) {
      const bool is_unusable =
          rejection_in(loaded.error()) != nullptr || is_fault(loaded.error(), Fault::Kind::NotFound);
      if (is_unusable) return nullptr;
      return fail(loaded.error());
    }
  }
  const auto& delegations = (*image_.targets(role, delegator))->delegations;
  return delegations ? &*delegations : nullptr;
}

Result<void> DelegationTree::each(const Look& look) {
  std::set<std::pair<RoleName, RoleName>> seen;
  return each_below(model::targets_role(), model::root_role(), look, seen);
}

Result<void> DelegationTree::each_below(const RoleName& role, const RoleName& delegator, const Look& look,
                                        std::set<std::pair<RoleName, RoleName>>& seen) {
  if (!seen.emplace(role, delegator).second) return {};
  const model::Delegations* delegations = TRY(delegations_of(role, delegator));
  if (delegations == nullptr) return {};
  look(role, *delegations);
  for (const DelegatedRole& entry : delegations->roles) {
    for (const model::AgreeingRole& next : entry.roles()) TRY(each_below(next.name, role, look, seen));
  }
  return {};
}

Result<std::vector<Reach>> reach_below_targets(const std::set<std::string>& held, DelegationTree& tree) {
  return Search(held, tree).below(model::targets_role(), model::root_role());
}

std::vector<std::vector<std::string>> paths_of(const Reach& reach) {
  const Way& way = reach.way;
  std::vector<std::vector<std::string>> paths;
  for (std::size_t at = 0; at < way.size(); ++at) {
    bool is_needed = !repository::covers_every_hash(*way[at]);
    for (std::size_t other = 0; other < way.size() && is_needed; ++other) {
      // Of two that say the same the later one stays.
      const bool both = other < at && leaves_all_names(*way[other], *way[at]);
      is_needed = other == at || both || !leaves_all_names(*way[at], *way[other]);
    }
    if (is_needed) paths.push_back(paths_in(*way[at]));
  }
  return paths;
}

std::optional<std::vector<HardwareId>> hardware_of(const Reach& reach) {
  std::optional<std::vector<HardwareId>> left;
  for (const DelegatedRole* entry : reach.way) {
    if (entry->any_hardware) continue;
    std::vector<HardwareId> ids = entry->hardware_ids;
    if (left) {
      std::erase_if(ids,
                    [&](const HardwareId& id) { return std::count(left->begin(), left->end(), id) == 0; });
    }
    left = std::move(ids);
  }
  return left;
}

}  // namespace cotter::app
