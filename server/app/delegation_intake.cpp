#include "server/app/delegation_intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/operations/remarks.h"
#include "server/repository/path_patterns.h"
#include "server/repository/supplier_role.h"

namespace cotter::app {
namespace {

class DelegationIntake {
 public:
  DelegationIntake(const model::DelegatedRole& entry, const operations::SupplierPolicy& policy,
                   const Neighbours& neighbours, const model::Delegations& next)
      : entry_(entry), policy_(policy), neighbours_(neighbours), next_(next) {}

  std::vector<std::string> judge() {
    if (!policy_.may_delegate) {
      wrong("it lets others sign, which the policy of " + supplier() + " does not allow");
    } else if (next_.succinct) {
      wrong("it delegates to hash bins, which suppliers do not hand in");
    } else if (are_few()) {
      for (const model::DelegatedRole& below : next_.roles) check(below);
      check_overlap();
    }
    return wrong_.sentences();
  }

 private:
  void wrong(std::string_view sentence) { wrong_.add(sentence); }
  [[nodiscard]] const std::string& supplier() const { return entry_.name.value(); }

  bool are_few() {
    std::size_t paths = 0, keys = 0, hardware_ids = 0;
    for (const model::DelegatedRole& below : next_.roles) {
      paths += below.paths.size();
      keys += below.keys.keyids.size();
      hardware_ids += below.hardware_ids.size();
    }
    const bool few_roles = is_few(next_.roles.size(), kMaxRolesBelow, "roles");
    const bool few_paths = is_few(paths, kMaxPathsBelow, "paths");
    const bool few_keys = is_few(keys, kMaxKeysBelow, "keys");
    return is_few(hardware_ids, kMaxHardwareBelow, "hardware ids") && few_roles && few_paths && few_keys;
  }

  bool is_few(std::size_t count, std::size_t most, const std::string& what) {
    if (count <= most) return true;
    wrong("it lets others sign with " + std::to_string(count) + ' ' + what + " in all; at most " +
          std::to_string(most) + " are taken");
    return false;
  }

  void check(const model::DelegatedRole& below) {
    check_name(below.name.value());
    if (!below.roleinfo.empty())
      return wrong(below.name.value() + " is several roles that must agree, which is not taken here");
    const auto plan = repository::plan_of(below, next_.keys);
    if (const auto good = repository::check_plan(plan); !good)
      wrong(below.name.value() + ": " + summary(good.error()));
    check_scope(below);
    check_keys(plan);
  }

  void check_name(const std::string& name) {
    const std::string prefix = supplier() + "-";
    if (!name.starts_with(prefix) || name == prefix)
      wrong(name + " will not do as a name: those whom " + supplier() + " lets sign begin with " + prefix);
    for (const RoleName& other : neighbours_.names) {
      const bool is_of_other = other.value().starts_with(prefix) && name.starts_with(other.value() + "-");
      if (name != other.value() && !is_of_other) continue;
      return wrong(name + " is another's name, or was once: choose another");
    }
  }

  void check_scope(const model::DelegatedRole& below) {
    for (const std::string& path : below.paths) {
      const bool is_within = std::ranges::any_of(
          entry_.paths, [&](const std::string& ours) { return repository::pattern_covers(ours, path); });
      if (!is_within)
        wrong(below.name.value() + " may list " + path + ", which is not within the paths of " + supplier());
    }
    for (const HardwareId& id : below.hardware_ids) {
      if (!entry_.is_for(id))
        wrong(below.name.value() + " is for " + id.value() + ", which " + supplier() + " makes nothing for");
    }
  }

  void check_keys(const repository::SupplierRolePlan& plan) {
    const std::string& name = plan.name.value();
    if (plan.threshold < entry_.keys.threshold)
      wrong(name + " needs " + std::to_string(plan.threshold) + " signatures, and " + supplier() +
            " itself " + std::to_string(entry_.keys.threshold) + ": it may not be less");
    for (const crypto::PublicKey& key : plan.keys) {
      const std::string id = key.computed_id().value();
      if (const auto objection = policy_.objection_to(key))
        wrong(fmt::format("key {} of {} {}", id, name, *objection));
      const auto signs_for = [&](const RoleName& another) {
        wrong(fmt::format("key {} of {} signs for {} too: one role, one key", id, name, another.value()));
      };
      const auto other = neighbours_.keys.find(key.material());
      const auto [first, is_new] = used_.try_emplace(key.material(), plan.name);
      if (other != neighbours_.keys.end()) {
        signs_for(other->second);
      } else if (!is_new && first->second != plan.name) {
        signs_for(first->second);
      }
    }
  }

  void check_overlap() {
    for (auto one = next_.roles.begin(); one != next_.roles.end(); ++one) {
      for (auto other = next_.roles.begin(); other != one; ++other) {
        if (const auto shared = repository::shared_paths(*other, *one))
          wrong(other->name.value() + " and " + one->name.value() + " may list some of the same names (" +
                shared->first + " and " + shared->second + ")");
      }
    }
  }

  const model::DelegatedRole& entry_;
  const operations::SupplierPolicy& policy_;
  const Neighbours& neighbours_;
  const model::Delegations& next_;
  std::map<std::string, RoleName> used_;  ///< by material
  operations::Remarks wrong_;
};

}  // namespace

std::vector<std::string> judge_delegations(const model::DelegatedRole& entry,
                                           const operations::SupplierPolicy& policy,
                                           const Neighbours& neighbours, const model::Delegations& next) {
  return DelegationIntake(entry, policy, neighbours, next).judge();
}

std::vector<std::string> judge_rekeyed(const model::Targets& next, const PublishedFiles& published) {
  std::vector<std::string> wrong;
  for (const auto& [role, file] : published) {
    const auto authority = trust::Authority::of_draft(next, role);
    if (!authority) continue;  // it goes: nobody asks for its file any more
    auto unverified = trust::Unverified<model::Targets>::parse(
        Bytes(file->wire().begin(), file->wire().end()), model::Profile::Vehicle);
    if (unverified && std::move(*unverified).verify(*authority)) continue;
    wrong.push_back("what " + role.value() +
                    " has published is not signed by enough of the keys that it gets: add them beside the "
                    "old ones, let " +
                    role.value() + " hand in anew, signed by those that stay, then take the old ones out");
  }
  return wrong;
}

}  // namespace cotter::app
