#include "server/app/live_roles.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "server/repository/reader.h"

namespace cotter::app {
namespace {

using Hardware = std::optional<std::vector<HardwareId>>;

LiveRole role_of(Repository repository, const RoleName& role, const RoleName& delegator,
                 const model::RoleKeys& keys, const model::KeyRing& ring) {
  const Requirement signers = Requirement::keys_of(role, keys, ring);
  LiveRole live;
  live.repository = repository;
  live.role = role;
  live.delegator = delegator;
  live.threshold = keys.threshold;
  live.keys = signers.plain().keys;
  for (const SigningKey& key : live.keys) live.ring.emplace(key.id, ring.at(key.id));
  return live;
}

/// What an entry leaves of what is above it.
Hardware narrowed(const Hardware& above, const model::DelegatedRole& entry) {
  if (entry.any_hardware) return above;
  std::vector<HardwareId> ids = entry.hardware_ids;
  if (above) {
    std::erase_if(ids, [&](const HardwareId& id) {
      return std::find(above->begin(), above->end(), id) == above->end();
    });
  }
  return ids;
}

class Walk {
 public:
  Walk(trust::TrustedSet image, trust::Transport& transport)
      : image_(std::move(image)), transport_(&transport) {}

  Result<std::vector<LiveRole>> run() {
    const model::Root& root = *image_.root();
    const auto top = [&](const RoleName& role, const auto& file) {
      LiveRole live = role_of(Repository::Image, role, model::root_role(), root.roles.at(role), root.keys);
      live.version = file->version;
      live.expires = file->expires;
      roles_.push_back(std::move(live));
    };
    top(model::root_role(), image_.root());
    top(model::targets_role(), *image_.targets());
    top(model::snapshot_role(), *image_.snapshot());
    top(model::timestamp_role(), *image_.timestamp());
    to_visit_.push_back({model::targets_role(), model::root_role(), {}});
    while (!to_visit_.empty()) {
      const Visit visit = std::move(to_visit_.front());
      to_visit_.pop_front();
      TRY(look_below(visit));
    }
    return std::move(roles_);
  }

 private:
  struct Visit {
    RoleName role;
    RoleName delegator;
    Hardware hardware;
  };

  Result<void> look_below(const Visit& visit) {
    const auto* file = image_.targets(visit.role, visit.delegator);
    if (file == nullptr || !(*file)->delegations) return {};
    const model::Delegations delegations = *(*file)->delegations;
    for (const model::DelegatedRole& entry : delegations.roles) {
      for (const model::AgreeingRole& role : entry.roles()) {
        if (!seen_.emplace(role.name, visit.role).second) continue;
        LiveRole live = role_of(Repository::Image, role.name, visit.role, role.keys, delegations.keys);
        live.hardware = narrowed(visit.hardware, entry);
        TRY(read(live, role.name));
        to_visit_.push_back({role.name, visit.role, live.hardware});
        roles_.push_back(std::move(live));
      }
    }
    if (!delegations.succinct) return {};
    const model::SuccinctRoles& bins = *delegations.succinct;
    LiveRole live =
        role_of(Repository::Image, RoleName(bins.name_prefix), visit.role, bins.keys, delegations.keys);
    live.hardware = visit.hardware;
    live.is_bins = true;
    for (const model::MetaFiles::Entry entry : (*image_.snapshot())->meta) {
      const RoleName name{std::string(entry.role)};
      if (bins.has(name)) TRY(read(live, name));
    }
    roles_.push_back(std::move(live));
    return {};
  }

  /// Notes the file's end, where it is the first.
  Result<void> read(LiveRole& live, const RoleName& name) {
    if (auto loaded = repository::load_delegated(image_, *transport_, name, live.delegator); !loaded) {
      const Error& why = loaded.error();
      if (rejection_in(why) != nullptr || is_fault(why, Fault::Kind::NotFound)) return {};
      return fail(why);
    }
    const auto& file = *image_.targets(name, live.delegator);
    if (live.expires && *live.expires <= file->expires) return {};
    live.version = file->version;
    live.expires = file->expires;
    return {};
  }

  trust::TrustedSet image_;
  trust::Transport* transport_;
  std::vector<LiveRole> roles_;
  std::deque<Visit> to_visit_;
  std::set<std::pair<RoleName, RoleName>> seen_;
};

std::vector<LiveRole> roles_in(const trust::Verified<model::Root>& director) {
  std::vector<LiveRole> roles;
  for (const auto& [role, keys] : director->roles) {
    LiveRole live = role_of(Repository::Director, role, model::root_role(), keys, director->keys);
    if (role == model::root_role()) {
      live.version = director->version;
      live.expires = director->expires;
    }
    roles.push_back(std::move(live));
  }
  return roles;
}

}  // namespace

const SigningKey* LiveRole::find(const SigningKey& key) const {
  const auto found = std::ranges::find(keys, key.material, &SigningKey::material);
  return found == keys.end() ? nullptr : &*found;
}

bool LiveRole::is_delegated() const {
  return repository == Repository::Image && !is_bins && !model::is_top_level(role);
}

std::string LiveRole::id() const { return std::string(name_of(repository)) + "/" + role.value(); }

Result<std::vector<LiveRole>> live_roles(trust::TrustedSet image, trust::Transport& transport,
                                         const trust::Verified<model::Root>* director) {
  std::vector<LiveRole> roles;
  if (director != nullptr) roles = roles_in(*director);
  std::vector<LiveRole> images = TRY(Walk(std::move(image), transport).run());
  std::move(images.begin(), images.end(), std::back_inserter(roles));
  return roles;
}

}  // namespace cotter::app
