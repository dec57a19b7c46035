// What in a repository's delegations is probably not meant: roles that take names from each other, that
// nobody ever asks, or that may do more than they need. Never judges what a vehicle would refuse; that is
// check_repository(). Pure.
#pragma once

#include <string>
#include <vector>

#include "common/base/strong.h"
#include "common/model/roles.h"

namespace cotter::app {

/// A role that delegates, and how.
struct Delegating {
  RoleName role;
  model::Delegations delegations;
};

/// A sentence for each: siblings whose paths overlap; a role behind a terminating one that covers all of its
/// paths; a role that no name leads to; one in the snapshot that nobody delegates to; keys of no role; every
/// name for any hardware; one key for every name. `delegating`: each role once, targets first. Overlap is
/// exact; the rest may miss what is knotty, but says nothing that is not so.
std::vector<std::string> delegation_lints(const model::Root& root, const model::Snapshot& snapshot,
                                          const std::vector<Delegating>& delegating);

}  // namespace cotter::app
