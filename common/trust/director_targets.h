// What only a director's targets are asked. Internal to common/trust: TrustedSet asks it of each that it
// takes. Never looks at signatures, versions or dates. Pure.
#pragma once

#include "common/base/result.h"
#include "common/model/roles.h"
#include "common/trust/trusted_set.h"

namespace cotter::trust {

/// No delegations, an ECU for each image, each ECU once, and, where the policy knows them, none but the
/// vehicle's (VER-36 to VER-38, FMT-60). Rejections: director-delegates, director-ecu-*; member-*.
Result<void> check_director_targets(const model::Targets& targets, const Policy& policy);

}  // namespace cotter::trust
