// When the life of a published file began: what the half or the last fifth of it is measured by.
// Never judges the ledger. Pure.
#pragma once

#include <chrono>
#include <map>
#include <tuple>

#include "common/base/strong.h"
#include "common/base/time.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// When files were published, or drafted, as far as the ledger tells.
using FileTimes = std::map<std::tuple<Repository, RoleName, Version>, UtcTime>;

/// How long cotter.toml lets a role's new files live.
std::chrono::seconds lifetime_of(const Settings& settings, Repository repository, const RoleName& role);

/// Of a file that the ledger does not know: as long before its end as cotter.toml says that such files live.
UtcTime life_begins(const FileTimes& known, const Settings& settings, Repository repository,
                    const RoleName& role, Version version, UtcTime expires);

}  // namespace cotter::app
