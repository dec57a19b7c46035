#include "server/app/delegation_lints.h"

#include <algorithm>
#include <set>
#include <utility>

#include "server/app/bin_names.h"
#include "server/repository/path_patterns.h"

namespace cotter::app {
namespace {

using model::DelegatedRole;

/// The delegations that lead to a role from targets down.
using Way = std::vector<const DelegatedRole*>;
constexpr std::size_t kMostWays = 64;  // to one role: enough to find one that is open

std::string quoted(const std::string& path) { return path.starts_with("hash ") ? path : "\"" + path + "\""; }

std::string paths_of(const DelegatedRole& entry) {
  std::string text;
  for (const std::string& path : entry.paths) text += (text.empty() ? "" : ", ") + quoted(path);
  for (const std::string& prefix : entry.path_hash_prefixes) {
    text += (text.empty() ? "hash prefix " : ", hash prefix ") + prefix;
  }
  return text;
}

std::string called(const DelegatedRole& entry) {
  if (entry.roleinfo.size() < 2) return entry.roles().front().name.value();
  std::string text = entry.name.value() + " (";
  for (const model::AgreeingRole& role : entry.roleinfo) {
    text += (text.ends_with('(') ? "" : ", ") + role.name.value();
  }
  return text + ")";
}

/// The fewest keys that are enough for an entry, where no key serves two of its roles.
std::uint64_t fewest_keys(const DelegatedRole& entry) {
  std::vector<std::uint64_t> thresholds;
  for (const model::AgreeingRole& role : entry.roles()) thresholds.push_back(role.keys.threshold);
  std::sort(thresholds.begin(), thresholds.end());
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(entry.min_roles_in_agreement, thresholds.size()); ++i) {
    sum += thresholds[i];
  }
  return sum;
}

class Lints {
 public:
  Lints(const model::Root& root, const model::Snapshot& snapshot, const std::vector<Delegating>& delegating)
      : root_(&root), snapshot_(&snapshot), delegating_(&delegating) {}

  std::vector<std::string> run() {
    look_at_root();
    for (const Delegating& parent : *delegating_) {
      const auto& entries = parent.delegations.roles;
      for (std::size_t at = 0; at < entries.size(); ++at) {
        look_for_way(parent, entries[at]);
        look_at_earlier(parent, at);
        look_at_breadth(parent, entries[at]);
      }
      if (const auto& bins = parent.delegations.succinct; bins && bins->keys.threshold == 1) {
        say("one key is enough for every name that " + parent.role.value() + " may list: its bins " +
            bins->name_prefix + " have a threshold of 1");
      }
      look_for_dead_keys(parent);
    }
    look_at_snapshot();
    return std::move(lines_);
  }

 private:
  void say(std::string line) { lines_.push_back(std::move(line)); }

  void look_at_root() {
    if (root_->roles.at(model::targets_role()).threshold == 1) {
      say("one key is enough for every name: targets has a threshold of 1");
    }
    std::set<KeyId> used;
    for (const auto& [role, keys] : root_->roles) used.insert(keys.keyids.begin(), keys.keyids.end());
    look_for_dead(root_->keys, used, "root");
  }

  void look_for_dead(const model::KeyRing& ring, const std::set<KeyId>& used, const std::string& where) {
    for (const auto& [id, key] : ring) {
      if (!used.contains(id))
        say("key " + id.value() + " is listed in " + where + ", but no role may use it");
    }
  }

  void look_for_dead_keys(const Delegating& parent) {
    std::set<KeyId> used;
    for (const DelegatedRole& entry : parent.delegations.roles) {
      for (const model::AgreeingRole& role : entry.roles()) {
        used.insert(role.keys.keyids.begin(), role.keys.keyids.end());
      }
    }
    if (const auto& bins = parent.delegations.succinct) {
      used.insert(bins->keys.keyids.begin(), bins->keys.keyids.end());
    }
    look_for_dead(parent.delegations.keys, used, "the delegations of " + parent.role.value());
  }

  /// A shadowed role is worth one sentence; so is each earlier one that may take some of its names.
  void look_at_earlier(const Delegating& parent, std::size_t at) {
    const auto& entries = parent.delegations.roles;
    const DelegatedRole& later = entries[at];
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(at);
    const auto shadow = std::find_if(entries.begin(), end, [&](const DelegatedRole& earlier) {
      return earlier.terminating && repository::entry_covers(earlier, later);
    });
    if (shadow != end && !paths_of(later).empty()) {
      return say("role " + called(later) + " below " + parent.role.value() + " is never asked: " +
                 called(*shadow) + " before it is terminating and covers all of its paths (" +
                 paths_of(*shadow) + " covers " + paths_of(later) + ")");
    }
    for (auto earlier = entries.begin(); earlier != end; ++earlier) {
      const auto shared = repository::shared_paths(*earlier, later);
      if (!shared) continue;
      say("roles " + called(*earlier) + " and " + called(later) + " below " + parent.role.value() +
          " may list the same names (" + quoted(shared->first) + " and " + quoted(shared->second) +
          "): " + called(*earlier) + " is asked first" + (earlier->terminating ? " and alone" : " and wins"));
    }
  }

  void look_for_way(const Delegating& parent, const DelegatedRole& entry) {
    if (paths_of(entry).empty()) {
      return say("role " + called(entry) + " below " + parent.role.value() +
                 " is never asked: its delegation has no paths");
    }
    const DelegatedRole* bar = nullptr;
    for (const Way& way : ways_to(parent.role, {})) {
      const auto closed = std::find_if(way.begin(), way.end(), [&](const DelegatedRole* above) {
        return !repository::shared_paths(*above, entry);
      });
      if (closed == way.end()) return;
      bar = *closed;
    }
    if (bar == nullptr) return;
    say("role " + called(entry) + " below " + parent.role.value() +
        " is never asked: no name and hardware fit " + paths_of(entry) + " and also " + paths_of(*bar) +
        " of " + called(*bar) + " above it");
  }

  /// As far as there are different ones; none where a role is only below itself.
  [[nodiscard]] std::vector<Way> ways_to(const RoleName& role, std::set<RoleName> below) const {
    if (role == model::targets_role()) return {{}};
    std::vector<Way> ways;
    if (!below.insert(role).second) return ways;
    for (const Delegating& parent : *delegating_) {
      if (below.contains(parent.role)) continue;
      for (const DelegatedRole& entry : parent.delegations.roles) {
        const auto roles = entry.roles();
        if (std::none_of(roles.begin(), roles.end(), [&](const auto& each) { return each.name == role; })) {
          continue;
        }
        for (Way& way : ways_to(parent.role, below)) {
          if (ways.size() == kMostWays) return ways;
          way.push_back(&entry);
          ways.push_back(std::move(way));
        }
      }
    }
    return ways;
  }

  void look_at_breadth(const Delegating& parent, const DelegatedRole& entry) {
    const auto broad = std::find_if(entry.paths.begin(), entry.paths.end(), repository::is_catch_all);
    const bool is_broad = broad != entry.paths.end();
    if (is_broad && entry.any_hardware) {
      say("role " + called(entry) + " below " + parent.role.value() + " may list every name that fits " +
          quoted(*broad) + " for any hardware: give it a folder of its own, or hardware ids");
    }
    const bool is_everything = entry.any_hardware && (is_broad || repository::covers_every_hash(entry));
    if (is_everything && fewest_keys(entry) == 1) {
      say("one key is enough for every name that fits " +
          (is_broad ? quoted(*broad) : std::string("its hash prefixes, which are all there are")) +
          ": role " + called(entry) + " below " + parent.role.value() + " has a threshold of 1");
    }
  }

  void look_at_snapshot() {
    std::set<RoleName> nobodys;
    for (const model::MetaFiles::Entry entry : snapshot_->meta) {
      const RoleName role{std::string(entry.role)};
      if (model::is_top_level(role)) continue;
      const bool is_delegated = std::any_of(
          delegating_->begin(), delegating_->end(),
          [&, name = role](const Delegating& parent) { return parent.delegations.keys_of(name) != nullptr; });
      if (!is_delegated && !was_a_bin(role)) nobodys.insert(role);
    }
    // Of a role that is gone with all its bins one line will do.
    for (const RoleName& role : without_bins(nobodys))
      say("role " + role.value() + " is in the snapshot, but nobody delegates to it");
  }

  /// Of a role that has grown: a snapshot never drops a name.
  [[nodiscard]] bool was_a_bin(const RoleName& role) const {
    return std::any_of(delegating_->begin(), delegating_->end(), [&](const Delegating& parent) {
      if (!parent.delegations.succinct) return false;
      model::SuccinctRoles fewer = *parent.delegations.succinct;
      while (--fewer.bit_length > 0) {
        if (fewer.has(role)) return true;
      }
      return false;
    });
  }

  const model::Root* root_;
  const model::Snapshot* snapshot_;
  const std::vector<Delegating>* delegating_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> delegation_lints(const model::Root& root, const model::Snapshot& snapshot,
                                          const std::vector<Delegating>& delegating) {
  return Lints(root, snapshot, delegating).run();
}

}  // namespace cotter::app
