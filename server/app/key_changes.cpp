#include "server/app/key_changes.h"

#include <algorithm>
#include <utility>

#include "server/app/key_history.h"
#include "server/app/record_key.h"

namespace cotter::app {
namespace {

void add(std::vector<ListedKey>& all, const RoleName& role, const model::RoleKeys& keys,
         const model::KeyRing& ring) {
  for (const KeyId& id : keys.keyids) {
    if (const auto key = ring.find(id); key != ring.end()) all.push_back({role, id, key->second});
  }
}

/// A key may be listed under another id than before: what counts is what it is.
bool lists(const std::vector<ListedKey>& all, const ListedKey& wanted) {
  return std::ranges::any_of(all, [&](const ListedKey& each) {
    return each.role == wanted.role && each.key.material() == wanted.key.material();
  });
}

ledger::Entry entry_of(std::string_view kind, const ListedKey& listed, const KeyHistory& history,
                       const NextFile& next, UtcTime now) {
  const std::string repository(name_of(next.repository));
  const KeyHistory::Made* made = history.find(listed.key.material());
  keystore::KeyInfo info{made != nullptr ? made->name.name : KeyNames().label({{}, listed.id}),
                         repository + "/" + listed.role.value(),
                         listed.key,
                         listed.id,
                         made != nullptr ? made->created.value_or(UtcTime{}) : UtcTime{},
                         {},
                         made != nullptr ? made->store : ""};
  // Of a delegated role nobody else is known: its keys are with whom it is named after.
  std::string holder = made == nullptr && !model::is_top_level(listed.role) ? listed.role.value() : "";
  if (made != nullptr) holder = made->name.holder.empty() ? "workspace" : made->name.holder;
  ledger::Entry entry = key_event(kind, info, holder, now);
  entry.details.set("version", next.version.value());
  return entry;
}

}  // namespace

std::vector<ListedKey> keys_listed_by(const model::Root& root) {
  std::vector<ListedKey> all;
  for (const auto& [role, keys] : root.roles) add(all, role, keys, root.keys);
  return all;
}

std::vector<ListedKey> keys_listed_by(const std::optional<model::Delegations>& delegations) {
  std::vector<ListedKey> all;
  if (!delegations) return all;
  for (const model::DelegatedRole& entry : delegations->roles) {
    for (const model::AgreeingRole& role : entry.roles()) add(all, role.name, role.keys, delegations->keys);
  }
  if (delegations->succinct) {
    const model::SuccinctRoles& bins = *delegations->succinct;
    add(all, RoleName(bins.name_prefix), bins.keys, delegations->keys);
  }
  return all;
}

Result<std::vector<ledger::Entry>> key_changes(host::Db& db, const NextFile& next,
                                               const std::vector<ListedKey>& before,
                                               const std::vector<ListedKey>& after, UtcTime now) {
  std::vector<std::pair<std::string_view, const ListedKey*>> changes;
  for (const ListedKey& each : before) {
    if (!lists(after, each)) changes.emplace_back(ledger::kKeyDelisted, &each);
  }
  for (const ListedKey& each : after) {
    if (!lists(before, each)) changes.emplace_back(ledger::kKeyListed, &each);
  }
  std::vector<ledger::Entry> entries;
  if (changes.empty()) return entries;
  const KeyHistory history = TRY(read_known_keys(db));
  for (const auto& [kind, listed] : changes) entries.push_back(entry_of(kind, *listed, history, next, now));
  return entries;
}

}  // namespace cotter::app
