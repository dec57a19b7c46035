#include "server/app/blast_radius.h"

#include <algorithm>
#include <utility>

#include "common/model/time_source.h"
#include "server/app/image_reach.h"

namespace cotter::app {
namespace {

using storage::FleetCount;

/// Which top-level roles of one repository are held.
struct Hold {
  bool root = false, targets = false, snapshot = false, timestamp = false;
  [[nodiscard]] bool online() const { return targets && snapshot && timestamp; }
};

class Assessment {
 public:
  Assessment(const std::set<std::string>& held, DelegationTree& tree, const model::Root& director,
             storage::InventoryStore* inventory)
      : held_(&held), tree_(&tree), director_root_(&director), inventory_(inventory) {}

  Result<BlastRadius> run() {
    const Hold director = take_hold(Repository::Director, *director_root_);
    const Hold image = take_hold(Repository::Image, tree_->root());
    TRY(look_at_delegated());
    everything_ = TRY(count(std::nullopt));
    look_at_versions(Repository::Director, director);
    look_at_versions(Repository::Image, image);
    TRY(look_at_director(director));
    TRY(look_at_images(image, director));
    if (director.root) say(Power::Persist, Repository::Director);
    if (image.root) say(Power::Persist, Repository::Image);
    return std::move(radius_);
  }

 private:
  Hold take_hold(Repository repository, const model::Root& root) {
    const auto take = [&](const RoleName& role) {
      const auto keys = root.roles.find(role);
      if (keys == root.roles.end()) return false;
      return note(repository, model::root_role(), Requirement::keys_of(role, keys->second, root.keys));
    };
    Hold hold;
    hold.root = take(model::root_role());
    // Each is asked, for its grip; who has the root has them all.
    hold.targets = take(model::targets_role()) || hold.root;
    hold.snapshot = take(model::snapshot_role()) || hold.root;
    hold.timestamp = take(model::timestamp_role()) || hold.root;
    if (repository == Repository::Director) {
      const bool is_named = root.roles.contains(model::time_source_role());
      time_ = take(model::time_source_role()) || (hold.root && is_named);
    }
    return hold;
  }

  /// Whether the role is held; and that some of its keys are.
  bool note(Repository repository, const RoleName& delegator, const Requirement& keys) {
    const Requirement& plain = keys.plain();
    const auto held = static_cast<std::uint32_t>(
        std::count_if(plain.keys.begin(), plain.keys.end(),
                      [&](const SigningKey& key) { return held_->contains(key.material); }));
    if (held > 0) {
      radius_.grips.push_back({repository, plain.role, delegator, held, keys.fewest(),
                               static_cast<std::uint32_t>(plain.keys.size())});
    }
    return keys.met_by(*held_);
  }

  Result<void> look_at_delegated() {
    std::set<std::pair<RoleName, RoleName>> noted;
    return tree_->each([&](const RoleName& delegator, const model::Delegations& delegations) {
      const auto look = [&](const RoleName& role, const model::RoleKeys& keys) {
        if (!noted.emplace(role, delegator).second) return;
        note(Repository::Image, delegator, Requirement::keys_of(role, keys, delegations.keys));
      };
      for (const model::DelegatedRole& entry : delegations.roles) {
        for (const model::AgreeingRole& role : entry.roles()) look(role.name, role.keys);
      }
      if (const auto& bins = delegations.succinct) look(RoleName(bins->name_prefix), bins->keys);
    });
  }

  void say(Power power, std::optional<Repository> repository = {}) {
    radius_.effects.push_back({power, repository, {}, everything_});
  }

  void look_at_versions(Repository repository, const Hold& hold) {
    if (!hold.timestamp) return;
    say(Power::Freeze, repository);
    if (hold.snapshot) say(Power::FastForward, repository);
  }

  Result<void> look_at_director(const Hold& director) {
    if (time_) say(Power::BendTime);
    if (director.online()) say(Power::ChooseAmongListed);
    if (!director.targets) return {};
    Effect partial{Power::AnythingOnPartial};
    if (inventory_ != nullptr) partial.reach = TRY(inventory_->count_partial());
    radius_.effects.push_back(std::move(partial));
    return {};
  }

  Result<void> look_at_images(const Hold& image, const Hold& director) {
    Effect effect{Power::SignImages};
    if (image.targets) {
      effect.scopes.push_back({{model::targets_role()}, {}, {}, {}, {}, everything_});
    } else {
      for (const Reach& reach : TRY(reach_below_targets(*held_, *tree_))) {
        effect.scopes.push_back(TRY(scope_of(reach)));
      }
    }
    if (effect.scopes.empty()) return {};
    if (image.snapshot && image.timestamp) {
      effect.power = Power::PublishImages;
      if (director.online()) effect.power = Power::InstallImages;
    }
    const auto all = std::any_of(effect.scopes.begin(), effect.scopes.end(),
                                 [](const ImageScope& scope) { return scope.is_everything(); });
    if (all && effect.power == Power::InstallImages) effect.power = Power::InstallAnything;
    effect.reach = all ? everything_ : TRY(count(hardware_of_all(effect.scopes)));
    radius_.effects.push_back(std::move(effect));
    return {};
  }

  Result<ImageScope> scope_of(const Reach& reach) {
    ImageScope scope{reach.roles,        paths_of(reach),    hardware_of(reach),
                     reach.asked_before, reach.ended_before, {}};
    scope.reach = TRY(count(scope.hardware));
    return scope;
  }

  static std::optional<std::vector<HardwareId>> hardware_of_all(const std::vector<ImageScope>& scopes) {
    std::vector<HardwareId> ids;
    for (const ImageScope& scope : scopes) {
      if (!scope.hardware) return std::nullopt;
      ids.insert(ids.end(), scope.hardware->begin(), scope.hardware->end());
    }
    return ids;
  }

  Result<FleetCount> count(const std::optional<std::vector<HardwareId>>& hardware) {
    if (inventory_ == nullptr) return FleetCount{};
    return hardware ? inventory_->count_of(*hardware) : inventory_->count_all();
  }

  const std::set<std::string>* held_;
  DelegationTree* tree_;
  const model::Root* director_root_;
  storage::InventoryStore* inventory_;
  FleetCount everything_;
  bool time_ = false;
  BlastRadius radius_;
};

}  // namespace

std::string_view name_of(Power power) noexcept {
  switch (power) {
    case Power::Freeze:
      return "freeze";
    case Power::FastForward:
      return "fast-forward";
    case Power::ChooseAmongListed:
      return "choose-among-listed";
    case Power::AnythingOnPartial:
      return "anything-on-partial";
    case Power::SignImages:
      return "sign-images";
    case Power::PublishImages:
      return "publish-images";
    case Power::InstallImages:
      return "install-images";
    case Power::InstallAnything:
      return "install-anything";
    case Power::Persist:
      return "persist";
    case Power::BendTime:
      break;
  }
  return "bend-time";
}

Result<BlastRadius> blast_radius(const std::set<std::string>& held, trust::TrustedSet image,
                                 trust::Transport& transport, const model::Root& director,
                                 storage::InventoryStore* inventory) {
  DelegationTree tree(std::move(image), transport);
  return Assessment(held, tree, director, inventory).run();
}

Result<std::vector<SigningKey>> keys_in_metadata(trust::TrustedSet image, trust::Transport& transport,
                                                 const model::Root& director) {
  std::vector<SigningKey> keys;
  std::set<std::string> seen;
  const auto take = [&](const model::KeyRing& ring) {
    for (const auto& [id, key] : ring) {
      if (seen.insert(key.material()).second) keys.push_back({key.material(), id});
    }
  };
  DelegationTree tree(std::move(image), transport);
  take(director.keys);
  take(tree.root().keys);
  TRY(tree.each([&](const RoleName&, const model::Delegations& delegations) { take(delegations.keys); }));
  return keys;
}

}  // namespace cotter::app
