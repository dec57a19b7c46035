// What metadata alone tells of what ends when: the part of the forecast that a folder of proofs has.
// Never reads a clock, a file or a setting: the same for everybody who has the same metadata. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/json/value.h"
#include "server/app/forecast.h"
#include "server/app/live_roles.h"

namespace cotter::app {

/// Its id, name, version, end, and what it hangs on. The role has a file.
Perishable perishable_in(const LiveRole& role);

/// forecast.json of the ledger `log`, as of `at`: a line for each of `roles` in their order, with its keys
/// and threshold, its end, and when it stops if nobody signs anything anew. Of hash bins and of roles without
/// a file there is no end.
json::Value role_forecast(const std::vector<LiveRole>& roles, const std::string& log, UtcTime at);

}  // namespace cotter::app
