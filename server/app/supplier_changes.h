// Who hands software in comes and goes: what that changes in the database. Never waits for a signature to
// shut somebody out. As Db: one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/model/roles.h"
#include "server/app/removed_suppliers.h"
#include "server/app/submission_files.h"
#include "server/operations/supplier.h"

namespace cotter::app {

/// For a role that the targets delegate to, or a supplier that they delegate to already. Faults: Conflict (of
/// one whom a supplier lets sign, or of a supplier that was removed), Busy, Io.
Result<void> check_name_is_free(host::Db& db, const RoleName& name);

/// Revokes the supplier's tokens and refuses what waits of it, for this reason, and of all below it. The
/// ledger tells of it, as done by `who`. Once is enough. Faults: Busy, NoSpace, Denied, Io.
Result<void> shut_out(host::Db& db, SubmissionFiles& files, const operations::Supplier& supplier,
                      const std::string& reason, const std::string& who, UtcTime now);

/// Why an assignment of an image ends that went with what this supplier handed in.
std::string why_ended(const std::string& supplier);

/// After `published` of `supplier`: whom it lets sign can be given tokens; whom it no longer lets is shut
/// out, and returned; assignments of `dropped`, their images, end with that. Done again it changes nothing.
/// Faults: as shut_out(), Conflict.
Result<std::vector<RoleName>> follow_delegations(host::Db& db, SubmissionFiles& files,
                                                 const RoleName& supplier, const model::Targets& published,
                                                 const ListedImages& dropped, const std::string& who,
                                                 UtcTime now);

}  // namespace cotter::app
