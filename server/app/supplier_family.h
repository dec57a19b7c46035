// A supplier's published file and those of the roles that it lets sign, or of its bins, read as a vehicle
// would. Never a file that does not verify: it counts as not published. One thread.
#pragma once

#include "common/base/strong.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"
#include "server/app/delegation_intake.h"

namespace cotter::app {

class SupplierFamily {
 public:
  SupplierFamily(trust::TrustedSet published, trust::Transport& transport, const RoleName& supplier);

  /// Each by its role, the supplier's too; good as long as this lives.
  [[nodiscard]] const PublishedFiles& files() const noexcept { return files_; }
  /// nullptr: none is published.
  [[nodiscard]] const trust::Verified<model::Targets>* file_of(const RoleName& role) const;

 private:
  void load(trust::Transport& transport, const RoleName& role, const RoleName& delegator);
  trust::TrustedSet set_;
  PublishedFiles files_;
};

/// What is taken in the repository by others than `supplier` and those below it, and the supplier's own keys:
/// role names that the snapshot or a delegation has, and keys of the root, of targets' delegations, and of
/// what those delegate on.
Neighbours neighbours_of(const trust::TrustedSet& published, trust::Transport& transport,
                         const RoleName& supplier);

/// The names and keys of roles that somebody delegates to.
void add_to(Neighbours& neighbours, const model::Delegations& delegations);
/// The names that it lists.
void add_to(Neighbours& neighbours, const model::Snapshot& snapshot);
/// The keys of a root, the director's for one.
void add_to(Neighbours& neighbours, const model::Root& root);

}  // namespace cotter::app
