#include "server/app/supplier_family.h"

#include <utility>

#include "server/repository/reader.h"

namespace cotter::app {
namespace {

/// Adds whom a file lets sign, and with which keys.
void note_keys(Neighbours& neighbours, const model::KeyRing& ring, const model::RoleKeys& keys,
               const RoleName& role) {
  for (const KeyId& id : keys.keyids) {
    if (const auto key = ring.find(id); key != ring.end())
      neighbours.keys.emplace(key->second.material(), role);
  }
}

}  // namespace

void add_to(Neighbours& neighbours, const model::Delegations& delegations) {
  for (const model::DelegatedRole& entry : delegations.roles) {
    for (const model::AgreeingRole& role : entry.roles()) {
      neighbours.names.insert(role.name);
      note_keys(neighbours, delegations.keys, role.keys, role.name);
    }
  }
  if (const auto& bins = delegations.succinct) {
    neighbours.names.insert(RoleName(bins->name_prefix));
    note_keys(neighbours, delegations.keys, bins->keys, RoleName(bins->name_prefix));
  }
}

void add_to(Neighbours& neighbours, const model::Snapshot& snapshot) {
  for (const model::MetaFiles::Entry entry : snapshot.meta)
    neighbours.names.insert(RoleName(std::string(entry.role)));
}

void add_to(Neighbours& neighbours, const model::Root& root) {
  for (const auto& [role, keys] : root.roles) note_keys(neighbours, root.keys, keys, role);
}

SupplierFamily::SupplierFamily(trust::TrustedSet published, trust::Transport& transport,
                               const RoleName& supplier)
    : set_(std::move(published)) {
  load(transport, supplier, model::targets_role());
  const auto* own = file_of(supplier);
  if (own == nullptr || !(*own)->delegations) return;
  const model::Delegations& delegations = *(*own)->delegations;
  for (const model::DelegatedRole& entry : delegations.roles) load(transport, entry.name, supplier);
  if (!delegations.succinct) return;
  const model::SuccinctRoles& bins = *delegations.succinct;
  if (bins.bit_length > operations::kMostSupplierBits) return;  // no supplier's
  for (std::uint64_t number = 0; number >> bins.bit_length == 0; ++number)
    load(transport, bins.bin(number), supplier);
}

void SupplierFamily::load(trust::Transport& transport, const RoleName& role, const RoleName& delegator) {
  if (!set_.listed(role)) return;
  if (repository::load_delegated(set_, transport, role, delegator))
    files_[role] = set_.targets(role, delegator);
}

const trust::Verified<model::Targets>* SupplierFamily::file_of(const RoleName& role) const {
  const auto found = files_.find(role);
  return found == files_.end() ? nullptr : found->second;
}

Neighbours neighbours_of(const trust::TrustedSet& published, trust::Transport& transport,
                         const RoleName& supplier) {
  Neighbours neighbours;
  add_to(neighbours, *published.root());
  add_to(neighbours, **published.snapshot());
  const auto& delegations = (*published.targets())->delegations;
  if (!delegations) return neighbours;
  add_to(neighbours, *delegations);
  trust::TrustedSet set = published;
  for (const model::DelegatedRole& entry : delegations->roles) {
    for (const model::AgreeingRole& role : entry.roles()) {
      if (!set.listed(role.name) ||
          !repository::load_delegated(set, transport, role.name, model::targets_role()))
        continue;
      const model::Targets& file = **set.targets(role.name, model::targets_role());
      if (!file.delegations) continue;
      if (role.name != supplier) {
        add_to(neighbours, *file.delegations);
        continue;
      }
      for (const model::DelegatedRole& below : file.delegations->roles) neighbours.names.erase(below.name);
    }
  }
  neighbours.names.erase(supplier);
  return neighbours;
}

}  // namespace cotter::app
