#include "server/ceremony/words.h"

#include <algorithm>
#include <set>

#include "common/json/canonical.h"
#include "server/ceremony/agreed_bins.h"

namespace cotter::ceremony {
namespace {

constexpr std::size_t kShownId = 16;

using Lines = std::vector<std::string>;

void end_of_life(const model::Header& from, const model::Header& to, Lines& lines) {
  lines.push_back("version " + std::to_string(from.version.value()) + " becomes " +
                  std::to_string(to.version.value()));
  if (from.expires == to.expires) return;
  lines.push_back("it expires at " + format_utc(to.expires) + ", no longer at " + format_utc(from.expires));
}

std::string quorum(const model::RoleKeys& role) {
  return std::to_string(role.threshold) + " of " + std::to_string(role.keyids.size()) + " keys";
}

std::string named(const model::KeyRing& ring, const KeyId& id) {
  const auto key = ring.find(id);
  return key == ring.end() ? id.value().substr(0, kShownId) + ", not listed" : spelt(id, key->second);
}

/// The same id must stand for the same key on both sides.
std::set<std::string> identities(const model::KeyRing& ring, const model::RoleKeys& role) {
  std::set<std::string> all;
  for (const KeyId& id : role.keyids) {
    const auto key = ring.find(id);
    all.insert(id.value() + "/" + (key == ring.end() ? "" : key->second.material()));
  }
  return all;
}

std::string classes_of(const model::RoleKeys& role) {
  if (!role.classes) return "none";
  std::string text;
  for (const auto& [key_class, least] : role.classes->least)
    text += std::to_string(least) + " " + std::string(crypto::name_of(key_class)) + ", ";
  return text + std::string(model::name_of(role.classes->stage));
}

void keys_of_role(const std::string& name, const model::KeyRing& from_ring, const model::RoleKeys& from,
                  const model::KeyRing& to_ring, const model::RoleKeys& to, Lines& lines) {
  const auto before = identities(from_ring, from), after = identities(to_ring, to);
  const auto missing_in = [](const std::set<std::string>& all, const model::KeyRing& ring, const KeyId& id) {
    const auto key = ring.find(id);
    return !all.contains(id.value() + "/" + (key == ring.end() ? "" : key->second.material()));
  };
  for (const KeyId& id : from.keyids) {
    if (missing_in(after, from_ring, id)) lines.push_back(name + ": key out: " + named(from_ring, id));
  }
  for (const KeyId& id : to.keyids) {
    if (missing_in(before, to_ring, id)) lines.push_back(name + ": key in: " + named(to_ring, id));
  }
  if (from.threshold != to.threshold || from.keyids.size() != to.keyids.size()) {
    lines.push_back(name + ": " + quorum(to) + " sign, no longer " + quorum(from));
  }
  if (from.classes != to.classes) {
    lines.push_back(name + ": keys of each class that must sign: " + classes_of(to) +
                    "; before: " + classes_of(from));
  }
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text.empty() ? "none" : text;
}

std::string described(const model::Target& target) {
  std::string text = std::to_string(target.length) + " bytes";
  for (const auto& [function, digest] : target.hashes.all()) {
    text += ", " + function + " " + to_hex(digest);
  }
  const auto facts = target.must_match(model::Profile::Vehicle);
  if (!facts || !*facts) return text;
  std::vector<std::string> hardware;
  for (const HardwareId& id : (*facts)->hardware_ids) hardware.push_back(id.value());
  return text + ", release counter " + std::to_string((*facts)->release_counter.value()) + ", for " +
         joined(hardware);
}

void images(const model::Targets& from, const model::Targets& to, Lines& lines) {
  for (const auto& [name, target] : from.targets) {
    if (!to.targets.contains(name)) lines.push_back("image out: " + name.value());
  }
  for (const auto& [name, target] : to.targets) {
    const auto before = from.targets.find(name);
    if (before == from.targets.end()) {
      lines.push_back("image in: " + name.value() + ": " + described(target));
    } else if (!(before->second.encode() == target.encode())) {
      lines.push_back("image altered: " + name.value() + ": " + described(target));
    }
  }
}

std::string scope(const model::DelegatedRole& role) {
  std::string text = "paths " + joined(role.paths);
  if (!role.path_hash_prefixes.empty()) text = "path hashes " + joined(role.path_hash_prefixes);
  std::vector<std::string> hardware;
  for (const HardwareId& id : role.hardware_ids) hardware.push_back(id.value());
  text += role.any_hardware ? ", any hardware" : ", hardware " + joined(hardware);
  return text + (role.terminating ? ", terminating" : "");
}

std::string bins(std::optional<std::uint32_t> bits) {
  return bits ? std::to_string(std::uint64_t{1} << *bits) + " hashed bins"
              : "as many bins as it was made with";
}

void delegations(const model::Targets& from, const model::Targets& to, Lines& lines) {
  const model::Delegations none;
  const model::Delegations& before = from.delegations ? *from.delegations : none;
  const model::Delegations& after = to.delegations ? *to.delegations : none;
  const auto find = [](const model::Delegations& all, const RoleName& name) {
    return std::find_if(all.roles.begin(), all.roles.end(),
                        [&](const auto& role) { return role.name == name; });
  };
  for (const model::DelegatedRole& role : before.roles) {
    if (find(after, role.name) == after.roles.end()) lines.push_back("delegation out: " + role.name.value());
  }
  for (const model::DelegatedRole& role : after.roles) {
    const auto old = find(before, role.name);
    const std::string name = "delegation " + role.name.value();
    if (old == before.roles.end()) {
      lines.push_back("delegation in: " + role.name.value() + ": " + scope(role));
      if (const auto bits = agreed_bits(role)) lines.push_back(name + ": it may have " + bins(bits));
      keys_of_role(name, before.keys, {}, after.keys, role.keys, lines);
      continue;
    }
    if (scope(*old) != scope(role)) lines.push_back(name + ": " + scope(role) + "; before: " + scope(*old));
    if (agreed_bits(*old) != agreed_bits(role))
      lines.push_back(name + ": it may have " + bins(agreed_bits(role)) +
                      "; before: " + bins(agreed_bits(*old)));
    keys_of_role(name, before.keys, old->keys, after.keys, role.keys, lines);
  }
}

/// For what has no words of its own: nothing may change unseen.
template <class Role>
void anything_else(Role from, const Role& to, Lines& lines) {
  if (from.encode() == to.encode()) return;
  lines.push_back(
      "something else changes too, which has no words here: compare the two files before you sign");
}

}  // namespace

std::string spelt(const KeyId& id, const crypto::PublicKey& key) {
  return id.value().substr(0, kShownId) + ", " + std::string(crypto::name_of(key.listed_scheme()));
}

Lines changes_between(const model::Root& from, const model::Root& to) {
  Lines lines;
  end_of_life(from, to, lines);
  const model::RoleKeys nobody{{}, 0};
  for (const auto& [name, role] : from.roles) {
    const auto after = to.roles.find(name);
    if (after == to.roles.end())
      lines.push_back("role out: " + name.value());
    else
      keys_of_role(name.value(), from.keys, role, to.keys, after->second, lines);
  }
  for (const auto& [name, role] : to.roles) {
    if (from.roles.contains(name)) continue;
    lines.push_back("role in: " + name.value());
    keys_of_role(name.value(), from.keys, nobody, to.keys, role, lines);
  }
  model::Root told = from;
  told.version = to.version;
  told.expires = to.expires;
  told.keys = to.keys;
  for (auto& [name, role] : told.roles) {
    if (const auto after = to.roles.find(name); after != to.roles.end()) {
      role.keyids = after->second.keyids;
      role.threshold = after->second.threshold;
      role.classes = after->second.classes;
    }
  }
  for (const auto& [name, role] : to.roles) told.roles.emplace(name, role);
  std::erase_if(told.roles, [&](const auto& role) { return !to.roles.contains(role.first); });
  anything_else(told, to, lines);
  return lines;
}

Lines changes_between(const model::Targets& from, const model::Targets& to) {
  Lines lines;
  end_of_life(from, to, lines);
  images(from, to, lines);
  delegations(from, to, lines);
  model::Targets told = from;
  told.version = to.version;
  told.expires = to.expires;
  told.targets = to.targets;
  if (told.delegations && to.delegations) {
    const bool same_order = std::equal(told.delegations->roles.begin(), told.delegations->roles.end(),
                                       to.delegations->roles.begin(), to.delegations->roles.end(),
                                       [](const auto& a, const auto& b) { return a.name == b.name; });
    // The order is priority (IMG-6): among the same roles a change of it is one that is told.
    if (!same_order) {
      std::vector<std::string> names;
      for (const auto& role : to.delegations->roles) names.push_back(role.name.value());
      lines.push_back("delegations are asked in this order: " + joined(names));
    }
    for (auto& role : told.delegations->roles) {
      for (const auto& after : to.delegations->roles) {
        if (after.name != role.name) continue;
        role.keys = after.keys, role.paths = after.paths, role.path_hash_prefixes = after.path_hash_prefixes;
        role.hardware_ids = after.hardware_ids, role.any_hardware = after.any_hardware;
        role.terminating = after.terminating;
        if (const auto bits = agreed_bits(after)) agree_on_bits(role, *bits);
      }
    }
    std::vector<model::DelegatedRole> as_after;
    for (const auto& after : to.delegations->roles) {
      const auto mine = std::find_if(told.delegations->roles.begin(), told.delegations->roles.end(),
                                     [&](const auto& role) { return role.name == after.name; });
      as_after.push_back(mine == told.delegations->roles.end() ? after : *mine);
    }
    told.delegations->roles = std::move(as_after);
    told.delegations->keys = to.delegations->keys;
  } else {
    const bool plain = !to.delegations || !to.delegations->succinct;
    if (plain && (!from.delegations || !from.delegations->succinct)) told.delegations = to.delegations;
  }
  anything_else(told, to, lines);
  return lines;
}

}  // namespace cotter::ceremony
