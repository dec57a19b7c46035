#include "server/repository/bins.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/model/file_names.h"
#include "server/repository/path_patterns.h"

namespace cotter::repository {
namespace {

model::RoleKeys keys_of(const ReleaseRolePlan& plan) { return {{plan.key.computed_id()}, 1}; }

model::DelegatedRole entry_of(const ReleaseRolePlan& plan) {
  model::DelegatedRole entry;
  entry.name = plan.name;
  entry.keys = keys_of(plan);
  entry.paths = plan.paths;
  entry.hardware_ids = plan.hardware_ids;
  entry.any_hardware = plan.hardware_ids.empty();
  entry.terminating = true;
  return entry;
}

bool is_same(const model::DelegatedRole& one, const model::DelegatedRole& other) {
  return one.roleinfo.empty() && other.roleinfo.empty() && one.keys == other.keys &&
         one.paths == other.paths && one.path_hash_prefixes == other.path_hash_prefixes &&
         one.hardware_ids == other.hardware_ids && one.any_hardware == other.any_hardware &&
         one.terminating == other.terminating;
}

tl::unexpected<Error> usage(std::string detail, std::string hint) {
  return fault(Fault::Kind::Usage, std::move(detail), std::move(hint));
}

}  // namespace

std::uint32_t bits_for(std::uint64_t expected_targets) {
  std::uint32_t bits = 1;
  while (bits < kMostBits && (expected_targets >> bits) > kTargetsPerBin) ++bits;
  return bits;
}

Result<void> check_plan(const ReleaseRolePlan& plan) {
  if (plan.bit_length < 1 || plan.bit_length > kMostBits)
    return usage("a bit length of " + std::to_string(plan.bit_length) + " will not do",
                 "from 1 to " + std::to_string(kMostBits) + "; 13 for a million targets");
  model::SuccinctRoles bins;
  bins.bit_length = plan.bit_length;
  bins.name_prefix = plan.name.value();
  if (!model::is_releasable_role_name(plan.name.value()) ||
      !model::is_releasable_role_name(bins.bin(0).value())) {
    return usage("'" + plan.name.value() + "' will not do as a role's name",
                 "1 to 59 of A-Z a-z 0-9 . _ -, and no top-level role's");
  }
  if (plan.paths.empty()) return usage("the role has no paths", "say which names it may list: --paths");
  for (const HardwareId& id : plan.hardware_ids) {
    if (!model::is_identifier(id.value()))
      return usage("'" + id.value() + "' will not do as a hardware id",
                   "1 to 128 printable ASCII characters without blanks, quotes and slashes");
  }
  return {};
}

Result<bool> add_delegation(model::Targets& targets, const ReleaseRolePlan& plan) {
  model::Delegations& delegations =
      targets.delegations ? *targets.delegations : targets.delegations.emplace();
  if (delegations.succinct)
    return fault(Fault::Kind::Conflict, "the targets have hashed bins of their own, and no other role beside",
                 "publish there, or take those out first");
  const model::DelegatedRole entry = entry_of(plan);
  for (const model::DelegatedRole& other : delegations.roles) {
    if (other.name == plan.name) {
      if (is_same(other, entry)) return false;
      return fault(Fault::Kind::Conflict, "role " + plan.name.value() + " is delegated to already, otherwise",
                   "choose another name: what a role may list, and by which key, it keeps");
    }
    if (const auto shared = shared_paths(other, entry))
      return fault(Fault::Kind::Conflict,
                   "role " + other.name.value() + " may list some of the same names (" + shared->first +
                       " and " + shared->second + ")",
                   "choose paths of its own: one name, one role");
  }
  delegations.keys.insert_or_assign(plan.key.computed_id(), plan.key);
  delegations.roles.push_back(entry);
  return true;
}

model::Targets role_file(const ReleaseRolePlan& plan, Version version, UtcTime expires) {
  model::Targets file = empty_bin(version, expires);
  model::Delegations& delegations = file.delegations.emplace();
  delegations.keys.emplace(plan.key.computed_id(), plan.key);
  model::SuccinctRoles& bins = delegations.succinct.emplace();
  bins.keys = keys_of(plan);
  bins.bit_length = plan.bit_length;
  bins.name_prefix = plan.name.value();
  return file;
}

model::Targets empty_bin(Version version, UtcTime expires) {
  model::Targets bin;
  bin.version = version;
  bin.expires = expires;
  return bin;
}

std::uint64_t bin_count(const model::SuccinctRoles& bins) { return std::uint64_t{1} << bins.bit_length; }

Result<const model::DelegatedRole*> find_delegation(const model::Targets& targets, const RoleName& role) {
  if (targets.delegations) {
    const auto& roles = targets.delegations->roles;
    const auto found = std::find_if(roles.begin(), roles.end(), [&](const model::DelegatedRole& entry) {
      return entry.roleinfo.empty() && entry.name == role;
    });
    if (found != roles.end()) return &*found;
  }
  return fault(Fault::Kind::NotFound, "the targets delegate to no role " + role.value(),
               "cotter release init-role " + role.value() +
                   " makes one; where it waits for its holders, they have to sign first");
}

Result<const model::SuccinctRoles*> find_bins(const model::Targets& file, const RoleName& role) {
  if (file.delegations && file.delegations->succinct) return &*file.delegations->succinct;
  return fault(Fault::Kind::NotFound, "role " + role.value() + " has no hashed bins",
               "only roles that cotter release init-role made are published to here");
}

}  // namespace cotter::repository
