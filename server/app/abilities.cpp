#include "server/app/abilities.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "server/app/record.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

using inventory::Abilities;
using inventory::Verification;

constexpr std::uint64_t kAroundSignature = 96;  // {"keyid":"<64 digits>","sig":""},
constexpr std::uint64_t kAroundFile = 64;       // {"signatures":[],"signed":}

/// Hex digits of a signature.
std::uint64_t digits_of(crypto::Scheme scheme) {
  switch (scheme) {
    case crypto::Scheme::Ed25519:
      return 128;
    case crypto::Scheme::EcdsaP256:
      return 144;
    case crypto::Scheme::MlDsa44:
      return 4840;
    case crypto::Scheme::MlDsa65:
      return 6618;
    case crypto::Scheme::MlDsa87:
      return 9254;
    case crypto::Scheme::SlhDsaSha2Small128:
      return 15712;
    default:
      return 1024;  // RSA of 4096 bits
  }
}

/// The distinct keys of a role.
std::vector<const crypto::PublicKey*> keys_of(const model::RoleKeys& role, const model::KeyRing& ring) {
  std::set<std::string> seen;
  std::vector<const crypto::PublicKey*> keys;
  for (const KeyId& id : role.keyids) {
    const auto key = ring.find(id);
    if (key != ring.end() && seen.insert(key->second.material()).second) keys.push_back(&key->second);
  }
  return keys;
}

std::vector<crypto::Scheme> schemes_of(const model::RoleKeys& role, const model::KeyRing& ring) {
  std::vector<crypto::Scheme> schemes;
  for (const crypto::PublicKey* key : keys_of(role, ring)) schemes.push_back(key->listed_scheme());
  return schemes;
}

/// Whether ECUs that verify in this way read the role at all.
bool reads(Verification verification, const Demand& demand) {
  if (verification == Verification::Full) return true;
  return demand.repository == Repository::Director &&
         (demand.role == model::root_role() || demand.role == model::targets_role());
}

std::string names_of(const std::set<crypto::Scheme>& schemes) {
  std::string names;
  for (const crypto::Scheme scheme : schemes)
    names.append(names.empty() ? "" : ", ").append(crypto::name_of(scheme));
  return names;
}

/// Why ECUs of these abilities cannot verify it.
std::optional<std::string> why_not(const Demand& demand, const Abilities& abilities) {
  const std::string what =
      fmt::format("cannot verify {} of the {}", demand.role.value(),
                  demand.repository == Repository::Image ? "image repository" : "director");
  const std::uint64_t most = abilities.most_bytes(demand.repository, demand.role);
  if (demand.bytes > most)
    return fmt::format("{}: {} bytes, and it takes {} at most", what, demand.bytes, most);
  std::vector<std::optional<crypto::KeyClass>> known;
  for (const crypto::Scheme scheme : demand.schemes) {
    if (abilities.verifies(scheme)) known.push_back(crypto::class_of(scheme));
  }
  const std::string knows =
      fmt::format("{}: it knows {}", what, names_of(abilities.schemes.value_or(inventory::client_schemes())));
  if (known.size() < demand.threshold) {
    return fmt::format("{}, which {} of the {} keys are, and {} must sign", knows, known.size(),
                       demand.schemes.size(), demand.threshold);
  }
  const auto lacking = demand.classes ? demand.classes->lacking(known) : std::nullopt;
  if (lacking) return fmt::format("{}, and must see {} that it knows", knows, *lacking);
  return std::nullopt;
}

/// Whether anybody could fail to verify it: asked first, for counting a fleet takes a while.
bool may_be_refused(const Demand& demand, const Described& described) {
  return why_not(demand, Abilities()) ||
         std::any_of(described.begin(), described.end(),
                     [&](const auto& each) { return why_not(demand, each.second).has_value(); });
}

std::string in_words(const Obstacle& obstacle) {
  const storage::Generation& who = obstacle.generation;
  return fmt::format("{} ({} {} in {} {}{}) {}", who.hardware.value(), who.count.ecus,
                     who.count.ecus == 1 ? "ECU" : "ECUs", who.count.vehicles,
                     who.count.vehicles == 1 ? "vehicle" : "vehicles",
                     who.verification == Verification::Partial ? ", partial verification" : "", obstacle.why);
}

}  // namespace

std::uint64_t size_when_signed(std::uint64_t canonical_bytes, const model::RoleKeys& role,
                               const model::KeyRing& keys) {
  std::vector<std::uint64_t> sizes;
  for (const crypto::PublicKey* key : keys_of(role, keys))
    sizes.push_back(digits_of(key->listed_scheme()) + kAroundSignature);
  std::sort(sizes.rbegin(), sizes.rend());
  std::uint64_t signatures = 0;
  if (role.classes) {
    for (const auto& [key_class, least] : role.classes->least) signatures += least;
  }
  signatures = std::max<std::uint64_t>(signatures, role.threshold);
  std::uint64_t size = canonical_bytes + kAroundFile;
  for (std::size_t i = 0; i < sizes.size() && i < signatures; ++i) size += sizes[i];
  return size;
}

Demand demand_of_role(Repository repository, const RoleName& role, const model::RoleKeys& keys,
                      const model::KeyRing& ring, std::uint64_t wire_bytes,
                      const std::optional<std::vector<HardwareId>>& hardware) {
  return {repository,
          role,
          wire_bytes,
          keys.threshold,
          schemes_of(keys, ring),
          hardware,
          keys.required_classes()};
}

Demands demands_of_root(Repository repository, const model::Root& root, std::uint64_t wire_bytes) {
  Demands demands;
  for (const auto& [role, keys] : root.roles) {
    if (!model::is_top_level(role)) continue;  // grants nothing (FMT-33)
    demands.push_back(
        demand_of_role(repository, role, keys, root.keys, role == model::root_role() ? wire_bytes : 0));
  }
  return demands;
}

Demands demands_of_targets(Repository repository, const RoleName& role, const model::Targets& targets,
                           std::uint64_t wire_bytes, const std::optional<std::vector<HardwareId>>& hardware) {
  Demands demands{{repository, role, wire_bytes, 0, {}, hardware}};
  if (!targets.delegations) return demands;
  const model::Delegations& delegations = *targets.delegations;
  for (const model::DelegatedRole& entry : delegations.roles) {
    const auto whom = entry.any_hardware ? hardware : std::optional(entry.hardware_ids);
    for (const model::AgreeingRole& each : entry.roles()) {
      demands.push_back(demand_of_role(repository, each.name, each.keys, delegations.keys, 0, whom));
    }
  }
  if (const auto& bins = delegations.succinct) {
    demands.push_back(
        demand_of_role(repository, RoleName(bins->name_prefix), bins->keys, delegations.keys, 0, hardware));
  }
  return demands;
}

Demand demand_of_signatures(Repository repository, const RoleName& role, std::uint64_t wire_bytes,
                            const std::vector<KeyId>& signers, const model::RoleKeys& keys,
                            const model::KeyRing& ring,
                            const std::optional<std::vector<HardwareId>>& hardware) {
  model::RoleKeys those = keys;
  std::erase_if(those.keyids,
                [&](const KeyId& id) { return std::ranges::find(signers, id) == signers.end(); });
  return demand_of_role(repository, role, those, ring, wire_bytes, hardware);
}

Result<void> note_abilities(host::Db& db, const HardwareId& hardware, const Abilities& abilities,
                            UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  TRY(storage::HardwareStore(db).note(hardware, abilities));
  TRY(record(db,
             {std::string(ledger::kHardware), now, acting_account(), hardware.value(), abilities.encode()}));
  return transaction.commit();
}

std::vector<Obstacle> obstacles(const Demand& demand, const std::vector<storage::Generation>& generations,
                                const Described& described) {
  std::vector<Obstacle> found;
  for (const storage::Generation& generation : generations) {
    if (!reads(generation.verification, demand)) continue;
    const auto abilities = described.find(generation.hardware);
    auto why = why_not(demand, abilities == described.end() ? Abilities() : abilities->second);
    if (why) found.push_back({generation, *std::move(why)});
  }
  return found;
}

Result<std::vector<Readiness>> readiness(host::Db& db, Repository repository, const model::Root& root,
                                         const model::Targets* targets) {
  storage::HardwareStore store(db);
  const Described described = TRY(store.described());
  const std::uint64_t vehicles = TRY(storage::InventoryStore(db).count_all()).vehicles;
  std::vector<Readiness> all;
  const auto look = [&](Demand demand, const model::RoleKeys& keys) -> Result<void> {
    if (!keys.classes) return {};
    demand.classes = keys.classes;  // whatever the stage is now
    Readiness found{demand.role, *keys.classes, vehicles, 0, {}};
    found.obstacles = obstacles(demand, TRY(store.generations(demand.hardware)), described);
    std::vector<storage::Generation> behind;
    for (const Obstacle& each : found.obstacles) behind.push_back(each.generation);
    found.ready = vehicles - TRY(store.vehicles_with(behind));
    all.push_back(std::move(found));
    return {};
  };
  for (const auto& [role, keys] : root.roles)
    TRY(look(demand_of_role(repository, role, keys, root.keys, 0), keys));
  if (targets == nullptr || !targets->delegations) return all;
  for (const model::DelegatedRole& entry : targets->delegations->roles) {
    for (const model::AgreeingRole& each : entry.roles()) {
      const auto whom = entry.any_hardware ? std::nullopt : std::optional(entry.hardware_ids);
      TRY(look(demand_of_role(repository, each.name, each.keys, targets->delegations->keys, 0, whom),
               each.keys));
    }
  }
  return all;
}

Result<void> refuse_unverifiable(host::Db& db, const Demands& demands) {
  storage::HardwareStore store(db);
  const Described described = TRY(store.described());
  std::string words;
  for (const Demand& demand : demands) {
    if (!may_be_refused(demand, described)) continue;
    for (const Obstacle& obstacle : obstacles(demand, TRY(store.generations(demand.hardware)), described))
      words += (words.empty() ? "" : "; ") + in_words(obstacle);
  }
  if (words.empty()) return {};
  return fault(
      Fault::Kind::Denied, "part of the fleet could not follow: " + words,
      "cotter hardware list says what each generation can verify; let it still verify this (a smaller "
      "file, enough keys of a scheme that it knows), or correct what is noted of it by cotter hardware "
      "set");
}

}  // namespace cotter::app
