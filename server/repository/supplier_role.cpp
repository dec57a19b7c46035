#include "server/repository/supplier_role.h"

#include <algorithm>
#include <set>

#include "common/base/limits.h"
#include "common/model/file_names.h"
#include "server/repository/path_patterns.h"

namespace cotter::repository {
namespace {

tl::unexpected<Error> usage(std::string detail, std::string hint) {
  return fault(Fault::Kind::Usage, std::move(detail), std::move(hint));
}

model::DelegatedRole entry_of(const SupplierRolePlan& plan) {
  model::DelegatedRole entry;
  entry.name = plan.name;
  for (const crypto::PublicKey& key : plan.keys) entry.keys.keyids.push_back(key.computed_id());
  entry.keys.threshold = plan.threshold;
  entry.paths = plan.paths;
  entry.hardware_ids = plan.hardware_ids;
  entry.any_hardware = false;
  entry.terminating = true;
  return entry;
}

bool is_same(const model::DelegatedRole& one, const model::DelegatedRole& other) {
  return one.roleinfo.empty() && one.keys == other.keys && one.paths == other.paths &&
         one.path_hash_prefixes.empty() && one.hardware_ids == other.hardware_ids &&
         one.any_hardware == other.any_hardware && one.terminating == other.terminating;
}

/// A path is shown to whoever signs or accepts it, and no name that a vehicle takes has any other character.
bool is_text(const std::string& path) {
  return std::ranges::all_of(path, [](char c) { return c > ' ' && c <= '~'; });
}

Result<void> check_path(const std::string& path) {
  const bool leaves = path.starts_with('/') || path.find("//") != std::string::npos ||
                      path.find("..") != std::string::npos || path.ends_with('/');
  if (path.empty() || path.size() > kMaxTargetName || leaves || path.find('\\') != std::string::npos ||
      !is_text(path))
    return usage("'" + path + "' will not do as a path",
                 "SUPPLIER/ECU/*: names as images have them, with stars");
  if (is_catch_all(path))
    return usage("'" + path + "' is every name of so many parts",
                 "begin with the supplier's own name: acme/*/*");
  return {};
}

Result<void> check_keys(const SupplierRolePlan& plan) {
  std::set<std::string> distinct;
  for (const crypto::PublicKey& key : plan.keys) {
    if (key.scheme() != crypto::Scheme::Ed25519 && key.scheme() != crypto::Scheme::EcdsaP256 &&
        key.scheme() != crypto::Scheme::RsaPssSha256) {
      return usage("key " + key.computed_id().value() + " is of a kind that vehicles do not verify",
                   "ed25519, ecdsa-sha2-nistp256 or rsassa-pss-sha256");
    }
    if (!distinct.insert(key.material()).second)
      return usage("key " + key.computed_id().value() + " is given twice", "give each key once");
  }
  if (plan.threshold >= 1 && plan.threshold <= plan.keys.size()) return {};
  return usage("a threshold of " + std::to_string(plan.threshold) + " does not go with " +
                   std::to_string(plan.keys.size()) + " keys",
               "1 up to the number of keys");
}

}  // namespace

SupplierRolePlan plan_of(const model::DelegatedRole& entry, const model::KeyRing& ring) {
  SupplierRolePlan plan;
  plan.name = entry.name;
  plan.paths = entry.paths;
  plan.hardware_ids = entry.hardware_ids;
  plan.threshold = entry.keys.threshold;
  for (const KeyId& id : entry.keys.keyids) {
    if (const auto key = ring.find(id); key != ring.end()) plan.keys.push_back(key->second);
  }
  return plan;
}

Result<void> check_plan(const SupplierRolePlan& plan) {
  if (!model::is_releasable_role_name(plan.name.value()))
    return usage("'" + plan.name.value() + "' will not do as a supplier's name",
                 "1 to 64 of A-Z a-z 0-9 . _ -, and no top-level role's");
  if (plan.paths.empty()) return usage("no path", "say which names the supplier may list: --path");
  for (const std::string& path : plan.paths) TRY(check_path(path));
  if (plan.hardware_ids.empty())
    return usage("no hardware id", "say for which ECUs the supplier makes software: --hardware-id");
  for (const HardwareId& id : plan.hardware_ids) {
    if (!model::is_identifier(id.value()))
      return usage("'" + id.value() + "' will not do as a hardware id",
                   "1 to 128 printable ASCII characters without blanks, quotes and slashes");
  }
  return check_keys(plan);
}

Result<bool> add_delegation(model::Targets& targets, const SupplierRolePlan& plan) {
  model::Delegations& delegations =
      targets.delegations ? *targets.delegations : targets.delegations.emplace();
  if (delegations.succinct)
    return fault(Fault::Kind::Conflict,
                 "the targets have hashed bins of their own, and no other role beside");
  const model::DelegatedRole entry = entry_of(plan);
  for (const model::DelegatedRole& other : delegations.roles) {
    if (other.name == plan.name) {
      if (is_same(other, entry)) return false;
      return fault(Fault::Kind::Conflict, "role " + plan.name.value() + " is delegated to already, otherwise",
                   "take the supplier out first, or choose another name");
    }
    if (const auto shared = shared_paths(other, entry))
      return fault(Fault::Kind::Conflict,
                   "role " + other.name.value() + " may list some of the same names (" + shared->first +
                       " and " + shared->second + ")",
                   "choose paths of its own: one name, one role");
  }
  for (const crypto::PublicKey& key : plan.keys) delegations.keys.insert_or_assign(key.computed_id(), key);
  delegations.roles.push_back(entry);
  return true;
}

bool remove_delegation(model::Targets& targets, const RoleName& role) {
  if (!targets.delegations) return false;
  auto& roles = targets.delegations->roles;
  const auto gone = std::erase_if(
      roles, [&](const model::DelegatedRole& entry) { return entry.roleinfo.empty() && entry.name == role; });
  if (gone == 0) return false;
  std::set<KeyId> used;
  for (const model::DelegatedRole& entry : roles) {
    for (const model::AgreeingRole& each : entry.roles())
      used.insert(each.keys.keyids.begin(), each.keys.keyids.end());
  }
  std::erase_if(targets.delegations->keys, [&](const auto& key) { return !used.contains(key.first); });
  if (targets.delegations->empty()) targets.delegations.reset();
  return true;
}

namespace {

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string scope_of(const model::DelegatedRole& entry) {
  std::vector<std::string> hardware;
  for (const HardwareId& id : entry.hardware_ids) hardware.push_back(id.value());
  return listed(entry.paths) + " for " + (entry.any_hardware ? "any hardware" : listed(hardware));
}

/// Keys by what they are: an id may be given to another key.
std::string signers_of(const model::DelegatedRole& entry, const model::KeyRing& ring) {
  std::vector<std::string> ids;
  for (const KeyId& id : entry.keys.keyids) {
    const auto key = ring.find(id);
    ids.push_back(key == ring.end() ? id.value() : key->second.computed_id().value());
  }
  return std::to_string(entry.keys.threshold) + " of: " + listed(ids);
}

const model::DelegatedRole* entry_in(const model::Targets* targets, const RoleName& role) {
  if (targets == nullptr || !targets->delegations) return nullptr;
  const auto& roles = targets->delegations->roles;
  const auto found = std::ranges::find(roles, role, &model::DelegatedRole::name);
  return found == roles.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string> delegation_changes(const RoleName& by, const model::Targets* base,
                                            const model::Targets& next) {
  std::vector<std::string> lines;
  if (next.delegations) {
    for (const model::DelegatedRole& entry : next.delegations->roles) {
      const std::string signers = signers_of(entry, next.delegations->keys);
      const model::DelegatedRole* before = entry_in(base, entry.name);
      const bool is_as_before = before != nullptr && is_same(*before, entry) &&
                                signers_of(*before, base->delegations->keys) == signers;
      if (is_as_before) continue;
      lines.push_back(by.value() + " lets " + entry.name.value() + " sign " +
                      (before == nullptr ? "" : "otherwise than before: ") + scope_of(entry) + ", with " +
                      signers);
    }
  }
  if (base == nullptr || !base->delegations) return lines;
  for (const model::DelegatedRole& before : base->delegations->roles) {
    if (entry_in(&next, before.name) == nullptr)
      lines.push_back(by.value() + " no longer lets " + before.name.value() + " sign " + scope_of(before));
  }
  return lines;
}

std::string summary_line(const SupplierRolePlan& plan) {
  const model::DelegatedRole entry = entry_of(plan);
  model::KeyRing ring;
  for (const crypto::PublicKey& key : plan.keys) ring.emplace(key.computed_id(), key);
  return "delegate " + scope_of(entry) + " to supplier " + plan.name.value() + ", who signs with " +
         signers_of(entry, ring);
}

}  // namespace cotter::repository
