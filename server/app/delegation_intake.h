// Judges whom a supplier's metadata let sign below it, before anybody publishes them, and says all that is
// wrong at once: a supplier hands on no more than it has (IMG-3, IMG-10), and one level down. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/strong.h"
#include "common/model/roles.h"
#include "common/trust/verified.h"
#include "server/operations/supplier.h"

namespace cotter::app {

inline constexpr std::size_t kMaxRolesBelow = 32;      ///< of a supplier
inline constexpr std::size_t kMaxPathsBelow = 64;      ///< of all of them: each is held against each
inline constexpr std::size_t kMaxKeysBelow = 256;      ///< of all of them: whoever accepts reads each
inline constexpr std::size_t kMaxHardwareBelow = 256;  ///< the same

/// What there is in the repository beside the supplier and those below it.
struct Neighbours {
  std::set<RoleName> names;              ///< that are taken, or were once
  std::map<std::string, RoleName> keys;  ///< by material; the supplier's own too
};

/// Published files, by role.
using PublishedFiles = std::map<RoleName, const trust::Verified<model::Targets>*>;

/// `entry`: the supplier's own. Of each role below: its name begins with the supplier's and is nobody else's;
/// paths, hardware ids, kinds of keys and threshold keep to the supplier's; no key signs for another role
/// (KEY-2); no two may list one name; none is several roles that agree, or hash bins.
std::vector<std::string> judge_delegations(const model::DelegatedRole& entry,
                                           const operations::SupplierPolicy& policy,
                                           const Neighbours& neighbours, const model::Delegations& next);

/// Files in `published` whose role `next`, signed or not, still delegates to, with keys that did not sign
/// them: vehicles would refuse all that they list.
std::vector<std::string> judge_rekeyed(const model::Targets& next, const PublishedFiles& published);

}  // namespace cotter::app
