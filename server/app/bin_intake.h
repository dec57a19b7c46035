// Judges how a supplier delegates to its hashed bins (TAP 15), what it hands in for each of them, and what
// stays published, and says all that is wrong at once. Never judges an image: that is the intake's. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/roles.h"
#include "common/trust/verified.h"
#include "server/app/delegation_intake.h"
#include "server/operations/supplier.h"

namespace cotter::app {

/// The bins that the supplier's own file delegates to; nullptr where they are not those that it was taken in
/// with.
const model::SuccinctRoles* bins_in(const model::Targets& own, const operations::Supplier& supplier);

/// The supplier's own file: it lists nothing, and delegates to its bins alone, by the keys of its own `entry`
/// in targets, which `ring` has, listed as they are there.
std::vector<std::string> judge_own_file(const model::Targets& own, const operations::Supplier& supplier,
                                        const model::DelegatedRole& entry, const model::KeyRing& ring);

/// A file that is handed in for these bins, one or more: it delegates to nobody, and lists images in the one
/// bin alone where vehicles look for them.
std::vector<std::string> judge_bin(const std::vector<RoleName>& roles, const model::Targets& file,
                                   const model::SuccinctRoles& bins);

/// Every bin is handed in or `published`, and what stays is signed by the keys that `own` lists.
std::vector<std::string> judge_kept_bins(const model::Targets& own, const std::set<RoleName>& handed_in,
                                         const PublishedFiles& published);

/// A file of a role that `delegator`, signed or not, lets sign. Rejections: those of a vehicle that believes
/// the delegator.
Result<trust::Verified<model::Targets>> verified_below(const model::Targets& delegator, const RoleName& role,
                                                       ByteView wire);

/// For who accepts it: what `own` says of who signs the bins, where it is another than what is published.
std::optional<std::string> change_of_bins(const RoleName& by, const model::Targets* published,
                                          const model::Targets& own);

}  // namespace cotter::app
