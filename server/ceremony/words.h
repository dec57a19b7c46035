// What a new metadata file changes, in words for those who sign it. Computed from the two files themselves:
// never from what somebody wrote beside them. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/model/roles.h"

namespace cotter::ceremony {

/// "7e3a91bc07de55aa, ed25519": enough of a key to tell it from others.
std::string spelt(const KeyId& id, const crypto::PublicKey& key);

/// A line for each difference: keys in and out of each role, thresholds, the end of its life, and whatever
/// else is not the same.
std::vector<std::string> changes_between(const model::Root& from, const model::Root& to);
/// Images in, out and altered; delegations in, out and altered; the end of its life.
std::vector<std::string> changes_between(const model::Targets& from, const model::Targets& to);

}  // namespace cotter::ceremony
