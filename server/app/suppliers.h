// Taking a supplier in, and letting it go: its delegation, which the holders sign, its policy, its tokens.
// Never leaves a door open for who is to go: what needs no signature is done first. One thread.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/keystore/key_record.h"
#include "server/app/ended_assignments.h"
#include "server/app/targets_change.h"
#include "server/app/workspace.h"
#include "server/operations/supplier.h"
#include "server/repository/supplier_role.h"

namespace cotter::app {

struct AddSupplierRequest : TargetsSigning {
  repository::SupplierRolePlan plan;
  operations::SupplierPolicy policy;
  std::vector<keystore::KeyInfo> named{};  ///< of the plan's keys those that came with a name, for the ledger
};

/// Keeps the policy, and changes the targets as TargetsChange does; the ledger tells of both. Run again with
/// more holders it adds their signatures, with another policy it changes that, but for the number of hashed
/// bins: a policy that says none of them keeps those there are. Faults: Usage (plan or policy), Conflict
/// (another number of bins; a role of that name, or of some of its paths, is there; a key signs for another
/// role, the director's too (KEY-2); a supplier of that name was removed; or a bin of another role has that
/// name, or may get it), those of TargetsChange.
/// Rejections: those of a client.
Result<TargetsOutcome> add_supplier(const Workspace& workspace, const AddSupplierRequest& request,
                                    UtcTime now);

struct RemoveSupplierRequest : TargetsSigning {
  RoleName name;
  bool ends_assignments = false;  ///< of its images: vehicles would look for them in vain
};

struct RemoveOutcome : TargetsOutcome {
  bool stopped =
      false;  ///< nothing was done: `assigned` are to run its images, which the request does not end
  std::vector<EndedAssignment> assigned{};  ///< else: what they were to run has ended
};

/// IMG-13: revokes its tokens, refuses what waits and ends the assignments of its images, at once; then takes
/// its delegation out of the targets, as TargetsChange does, after which its metadata and images are gone
/// too; and so with all whom it lets sign. The snapshot goes on listing their files, until a root replaces
/// its keys and the timestamp's. Run again with more holders it adds their signatures. Faults: NotFound,
/// Conflict (another supplier lets it sign), those of TargetsChange. Rejections: those of a client.
Result<RemoveOutcome> remove_supplier(const Workspace& workspace, const RemoveSupplierRequest& request,
                                      UtcTime now);

}  // namespace cotter::app
