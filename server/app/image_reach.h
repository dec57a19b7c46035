// How far into an image repository some keys reach below targets: which delegations bind the names and the
// hardware of what they sign. Never follows a role whose file cannot be read. One thread.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/roles.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"

namespace cotter::app {

/// The delegated roles of a repository, loaded as they are asked for.
class DelegationTree {
 public:
  DelegationTree(trust::TrustedSet image, trust::Transport& transport)
      : image_(std::move(image)), transport_(&transport) {}

  /// nullptr: it delegates nothing, or cannot be read as a vehicle would. Faults: those of reading, but
  /// NotFound.
  Result<const model::Delegations*> delegations_of(const RoleName& role, const RoleName& delegator);
  using Look = std::function<void(const RoleName& delegator, const model::Delegations&)>;
  /// Every role that delegates, once below each role that delegates to it. Faults: as above.
  Result<void> each(const Look& look);
  [[nodiscard]] const model::Root& root() const { return *image_.root(); }

 private:
  Result<void> each_below(const RoleName& role, const RoleName& delegator, const Look& look,
                          std::set<std::pair<RoleName, RoleName>>& seen);
  trust::TrustedSet image_;
  trust::Transport* transport_;
};

/// One way to have a file accepted.
struct Reach {
  std::vector<RoleName> roles;                   ///< who signs: one, or several that agree
  std::vector<const model::DelegatedRole*> way;  ///< all that bind it, targets' own first; the tree's
  std::vector<RoleName> asked_before{};          ///< siblings that may list some of the names too
  std::vector<RoleName> ended_before{};          ///< the terminating of those
};

/// What the keys with these materials reach without targets' own; two hundred ways at most, which is more
/// than a person reads. Below hash bins nothing is looked for. Faults: those of reading, but NotFound.
Result<std::vector<Reach>> reach_below_targets(const std::set<std::string>& held, DelegationTree& tree);

/// A name fits one of each list: patterns, and "hash prefix 3f". Lists that another makes needless are left
/// out; none: every name.
std::vector<std::vector<std::string>> paths_of(const Reach& reach);
/// What all delegations on the way leave; none: any.
std::optional<std::vector<HardwareId>> hardware_of(const Reach& reach);

}  // namespace cotter::app
