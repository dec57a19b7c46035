// A supplier's role: a delegation of targets to the supplier's own keys, for its own paths and hardware.
// Never signs, never does I/O. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/public_key.h"
#include "common/model/roles.h"

namespace cotter::repository {

struct SupplierRolePlan {
  RoleName name;
  std::vector<std::string> paths;
  std::vector<HardwareId> hardware_ids;
  std::vector<crypto::PublicKey> keys;
  std::uint32_t threshold = 1;
};

/// What an entry of delegations says, but for its terminating; keys that `ring` does not have are left out.
SupplierRolePlan plan_of(const model::DelegatedRole& entry, const model::KeyRing& ring);

/// The name can be a role's; there are paths, each of safe names and none of every name; hardware ids are
/// identifiers, and there is one; so many distinct keys as the threshold wants, each of a kind that vehicles
/// verify. Fault: Usage.
Result<void> check_plan(const SupplierRolePlan& plan);

/// The entry at the end of targets' delegations, terminating, and the keys beside it. Fault: Conflict (the
/// role is there and is another; its paths are also those of another role; targets have bins themselves).
/// false: it is there already.
Result<bool> add_delegation(model::Targets& targets, const SupplierRolePlan& plan);

/// Takes the role's entry out of targets, and the keys that no other entry uses (IMG-13). false: there is
/// none.
bool remove_delegation(model::Targets& targets, const RoleName& role);

/// What a supplier's next metadata (`base`: as published, if at all) change in who else may sign, a line a
/// role: "acme no longer lets acme-sensors sign ...".
std::vector<std::string> delegation_changes(const RoleName& by, const model::Targets* base,
                                            const model::Targets& next);

/// What the holders sign for, in a line.
std::string summary_line(const SupplierRolePlan& plan);

}  // namespace cotter::repository
