#include "server/ceremony/key_change.h"

#include <algorithm>
#include <set>
#include <string>

namespace cotter::ceremony {
namespace {

/// The roles of one file, and the ring that has their keys.
class Roles {
 public:
  explicit Roles(model::KeyRing& ring) : ring_(&ring) {}
  void add(const RoleName& name, model::RoleKeys& keys) { roles_.emplace(name, &keys); }

  Result<void> apply(const KeyChange& change) {
    for (const KeyChange::Removed& removed : change.remove) TRY(remove_key(removed));
    for (const KeyChange::Added& added : change.add) TRY(add_key(added));
    for (const auto& [name, threshold] : change.thresholds) {
      model::RoleKeys& role = *TRY(role_named(name));
      role.threshold = threshold;
    }
    for (const auto& [name, classes] : change.classes) {
      model::RoleKeys& role = *TRY(role_named(name));
      role.classes = classes;
    }
    TRY(check_thresholds());
    TRY(check_classes());
    forget_unused();
    return {};
  }

 private:
  Result<model::RoleKeys*> role_named(const RoleName& name) {
    const auto role = roles_.find(name);
    if (role != roles_.end()) return role->second;
    return fault(Fault::Kind::NotFound, "there is no role " + name.value() + " whose keys could change");
  }

  Result<void> remove_key(const KeyChange::Removed& removed) {
    model::RoleKeys& role = *TRY(role_named(removed.role));
    const auto listed = std::find(role.keyids.begin(), role.keyids.end(), removed.key);
    if (listed == role.keyids.end()) {
      return fault(Fault::Kind::NotFound,
                   "key " + removed.key.value() + " does not sign for " + removed.role.value(),
                   "cotter key list shows which keys sign for what");
    }
    role.keyids.erase(listed);
    return {};
  }

  /// The key may be listed under another id: what counts is what it is.
  [[nodiscard]] const RoleName* role_of(const crypto::PublicKey& key) const {
    for (const auto& [name, role] : roles_) {
      for (const KeyId& id : role->keyids) {
        const auto listed = ring_->find(id);
        if (listed != ring_->end() && listed->second.material() == key.material()) return &name;
      }
    }
    return nullptr;
  }

  Result<void> add_key(const KeyChange::Added& added) {
    model::RoleKeys& role = *TRY(role_named(added.role));
    const KeyId id = added.key.computed_id();
    if (const RoleName* taken = role_of(added.key); taken != nullptr) {
      return fault(Fault::Kind::Conflict, "key " + id.value() + " signs for " + taken->value() + " already",
                   "one key, one role: make another by cotter key generate");
    }
    role.keyids.push_back(id);
    ring_->insert_or_assign(id, added.key);
    return {};
  }

  [[nodiscard]] Result<void> check_thresholds() const {
    for (const auto& [name, role] : roles_) {
      if (role->threshold >= 1 && role->threshold <= role->keyids.size()) continue;
      return fault(Fault::Kind::Usage,
                   name.value() + " would need " + std::to_string(role->threshold) + " of " +
                       std::to_string(role->keyids.size()) + " keys",
                   "add keys in the same ceremony, or change the threshold too");
    }
    return {};
  }

  /// As if every key of the role had signed: what is lacking then, is always.
  [[nodiscard]] Result<void> check_classes() const {
    for (const auto& [name, role] : roles_) {
      if (!role->classes) continue;
      std::vector<std::optional<crypto::KeyClass>> all;
      for (const KeyId& id : role->keyids) {
        if (const auto key = ring_->find(id); key != ring_->end())
          all.push_back(crypto::class_of(key->second.listed_scheme()));
      }
      const auto lacking = role->classes->lacking(all);
      if (!lacking) continue;
      return fault(Fault::Kind::Usage, name.value() + " would need " + *lacking + " at most",
                   "add keys of that class in the same ceremony, or change its --classes too");
    }
    return {};
  }

  void forget_unused() {
    std::set<KeyId> used;
    for (const auto& [name, role] : roles_) used.insert(role->keyids.begin(), role->keyids.end());
    std::erase_if(*ring_, [&](const auto& key) { return !used.contains(key.first); });
  }

  model::KeyRing* ring_;
  std::map<RoleName, model::RoleKeys*> roles_;
};

}  // namespace

Result<model::Root> next_root(const model::Root& current, const KeyChange& change, UtcTime expires) {
  model::Root next = current;
  next.version = Version(current.version.value() + 1);
  next.expires = expires;
  Roles roles(next.keys);
  for (auto& [name, role] : next.roles) roles.add(name, role);
  TRY(roles.apply(change));
  return next;
}

Result<model::Targets> with_delegation_keys(const model::Targets& current, const KeyChange& change) {
  model::Targets next = current;
  if (!next.delegations) next.delegations.emplace();
  Roles roles(next.delegations->keys);
  for (model::DelegatedRole& role : next.delegations->roles) {
    if (role.roleinfo.empty())
      roles.add(role.name, role.keys);  // of several that agree each has keys of its own
  }
  TRY(roles.apply(change));
  return next;
}

}  // namespace cotter::ceremony
