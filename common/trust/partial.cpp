#include "common/trust/partial.h"

#include <algorithm>

namespace cotter::trust {
namespace {

Error about_targets(Error error) {
  return located(std::move(error), Repository::Director, model::targets_role().value());
}

}  // namespace

Result<DirectorOnlyAssignment> select(const TrustedSet& director, const ProvisionedEcu& ecu) {
  COTTER_ASSERT(director.targets() != nullptr);
  const auto judge = [&]() -> Result<DirectorOnlyAssignment> {
    for (const auto& [name, target] : (*director.targets())->targets) {
      const auto ecus = TRY(target.ecus());
      const auto own = ecus.find(ecu.serial);
      if (own == ecus.end()) continue;
      const auto facts = TRY(target.must_match(director.policy().profile));
      if (!facts) TRY(refuse(RuleId::MemberMissing, "custom.mustMatch", "none"));
      const auto must = facts.value_or(model::MustMatch{});
      const bool fits =
          own->second == ecu.hardware_id && std::ranges::count(must.hardware_ids, ecu.hardware_id) > 0;
      if (!fits) TRY(refuse(RuleId::EcuHardwareWrong, ecu.hardware_id.value(), own->second.value()));
      if (must.release_counter < ecu.floor) {
        TRY(refuse(RuleId::EcuReleaseCounterLower, std::to_string(ecu.floor.value()) + " or higher",
                   std::to_string(must.release_counter.value())));
      }
      return DirectorOnlyAssignment(name, target, must.release_counter);
    }
    TRY(refuse(RuleId::EcuHasNoImage, "an image for " + ecu.serial.value(), "none"));
    return DirectorOnlyAssignment({}, {}, ecu.floor);
  };
  auto result = judge();
  if (!result) return fail(about_targets(std::move(result).error()));
  return result;
}

}  // namespace cotter::trust
