// Which names the hashed bins of a role have, or may have one day, and that nobody else gets one of them: two
// roles of one name would have one file. Never changes anything. As Db: one thread at a time.
#pragma once

#include <set>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/roles.h"
#include "server/app/repository_writer.h"

namespace cotter::app {

/// "ROLE-0" to "ROLE-3fff", of whatever length: what a bin of `role` is called as long as it grows no further
/// than roles do here.
bool may_be_bin_of(const RoleName& name, const RoleName& role);

/// Those of `roles` that are not bins of another of them: for people and the ledger to read.
std::set<RoleName> without_bins(const std::set<RoleName>& roles);

/// For a role that is new; `listed`: the targets that it will stand in. Faults: Conflict (it has the name
/// that a bin of another role has or may get; or, with bins, one of its own may get a name that is
/// somebody's, or was), Busy, Io.
Result<void> check_bin_names(RepositoryWriter& writer, const model::Targets& listed, const RoleName& name,
                             bool has_bins);

}  // namespace cotter::app
