// What a workspace's cotter.toml grants through the signing process: to whom, how often, until when.
// Never grants what the file does not say. One thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "server/app/workspace.h"
#include "server/signing/policy.h"

namespace cotter::app {

/// An account of this machine, by name or by number. Fault: NotFound.
Result<uid_t> account_number(const std::string& account);
/// The first group of an account; nothing when it has no name here.
std::optional<gid_t> group_of(uid_t account);

/// Faults: NotFound (no such account).
Result<std::map<signing::Duty, signing::Terms>> signing_terms(const Settings& settings);
/// Whose keys the signing process uses besides. Fault: Usage (no release role can have that name).
Result<std::vector<RoleName>> signing_release_roles(const Settings& settings);
/// All accounts that may use some key.
std::set<uid_t> callers_of(const std::map<signing::Duty, signing::Terms>& terms);

/// Whether a caller other than this process's own account could write what limits it: cotter.toml or its
/// folder. Fault: Denied, naming it.
Result<void> refuse_writable_terms(const Workspace& workspace, const std::set<uid_t>& callers);

}  // namespace cotter::app
