// What the tests of common/trust share: a repository in memory, and a store that remembers its batches.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto/digest.h"
#include "common/trust/refresh.h"
#include "tests/sim/repository_sim.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/vehicle_names.h"

namespace cotter::test {

inline const UtcTime kNow = *parse_utc("2030-01-01T00:00:00Z");
inline const UtcTime kExpires = *parse_utc("2031-01-01T00:00:00Z");
inline const HardwareId kBrakeHardware("hw-BRAKE"), kDoorHardware("hw-DOOR");

inline trust::Policy image_policy(trust::Profile profile = trust::Profile::Vehicle) {
  trust::Policy policy;
  policy.profile = profile;
  policy.limits = Limits::for_image_repository();
  return policy;
}

inline trust::Policy director_policy() {
  trust::Policy policy;
  policy.repository = Repository::Director;
  policy.vin = kVin;
  policy.ecus = std::set<EcuSerial>{kBrake, kDoor};
  return policy;
}

/// Keeps the newest file of each role, and every batch as a line: "+root +timestamp -snapshot".
class BatchStore final : public trust::MetadataStore {
 public:
  Result<std::optional<Bytes>> load(Repository, const RoleName& role) const override {
    const auto found = files.find(role);
    return found == files.end() ? std::optional<Bytes>() : std::optional(found->second);
  }
  Result<void> commit(Repository, std::span<const trust::Effect> effects) override {
    std::string batch;
    for (const trust::Effect& effect : effects) {
      if (const auto* store = std::get_if<trust::Store>(&effect)) {
        files[store->role] = store->wire;
        batch += " +" + store->role.value();
      } else {
        const RoleName& role = std::get<trust::Forget>(effect).role;
        files.erase(role);
        batch += " -" + role.value();
      }
    }
    batches.push_back(batch.substr(1));
    return {};
  }
  std::map<RoleName, Bytes> files;
  std::vector<std::string> batches;
};

/// A repository, its first root, and a client's store.
struct Client {
  explicit Client(std::string label = "image", trust::Policy how = image_policy())
      : sim(std::move(label), kExpires), policy(std::move(how)), first_root(sim.file_of(model::root_role())) {
    if (policy.repository == Repository::Director) {
      sim.bind_to(kVin);
      sim.release({model::targets_role()});
    }
  }
  Result<trust::TrustedSet> anchored() {
    const auto stored = store.load(policy.repository, model::root_role());
    return trust::TrustedSet::anchored_at(stored->value_or(first_root), now, policy);
  }
  Result<trust::TrustedSet> refresh(trust::Scope scope = trust::Scope::Full) {
    trust::Refresh refresh(TRY(anchored()), scope);
    TRY(trust::drive(refresh, store, sim));
    return std::move(refresh).take();
  }
  Result<trust::Found> find(const char* name, std::optional<HardwareId> hardware = {}) {
    trust::DelegationWalk walk(TRY(refresh()), TargetName(name), std::move(hardware));
    TRY(trust::drive(walk, store, sim));
    return walk.found();
  }
  sim::RepositorySim sim;
  BatchStore store;
  trust::Policy policy;
  Bytes first_root;
  UtcTime now = kNow;
};

/// A digest of all that a set says, to tell two apart.
inline std::string picture_of(const trust::TrustedSet& set, const std::vector<RoleName>& delegated = {}) {
  const auto part = [](const auto* file) {
    return file == nullptr ? std::string("-") : std::string(as_text(file->wire()));
  };
  std::string picture = part(&set.root()) + part(set.timestamp()) + part(set.snapshot()) +
                        part(set.targets()) + part(set.recalled_targets());
  for (const RoleName& role : delegated) picture += part(set.targets(role, model::targets_role()));
  for (const RoleName& role : {model::timestamp_role(), model::snapshot_role(), model::targets_role()}) {
    picture += std::to_string(set.max_bytes(role)) + (set.listed(role) ? "+" : "-");
  }
  return to_hex(crypto::sha256(as_bytes(picture)));
}

}  // namespace cotter::test
