#include "common/trust/director_targets.h"

#include <set>

namespace cotter::trust {

Result<void> check_director_targets(const model::Targets& targets, const Policy& policy) {
  if (targets.delegations && !targets.delegations->empty()) {
    TRY(refuse(RuleId::DirectorDelegates, "no delegations", "a delegation"));
  }
  std::set<EcuSerial> seen;
  for (const auto& [name, target] : targets.targets) {
    const auto ecus = TRY(target.ecus());
    if (ecus.empty()) TRY(refuse(RuleId::DirectorEcuMissing, "an ECU for " + name.value(), "none"));
    for (const auto& [ecu, hardware] : ecus) {
      if (!seen.insert(ecu).second) TRY(refuse(RuleId::DirectorEcuRepeated, "each ECU once", ecu.value()));
      if (policy.ecus && !policy.ecus->contains(ecu)) {
        TRY(refuse(RuleId::DirectorEcuUnknown, "an ECU of this vehicle", ecu.value()));
      }
    }
  }
  return {};
}

}  // namespace cotter::trust
