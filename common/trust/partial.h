// Partial verification (Uptane 5.4.4.1): a small ECU's assignment, on the director's word alone.
// Never to be used where full verification has room: who holds the director's targets key and the bus can
// install anything here (PVS-8). Pure.
#pragma once

#include <optional>

#include "common/base/result.h"
#include "common/trust/trusted_set.h"
#include "common/trust/uptane_match.h"

namespace cotter::trust {

/// The image that the director alone chose for this ECU. Only select() makes one.
class DirectorOnlyAssignment {
 public:
  [[nodiscard]] const TargetName& name() const noexcept { return name_; }
  [[nodiscard]] const model::Target& target() const noexcept { return target_; }
  [[nodiscard]] ReleaseCounter release_counter() const noexcept { return counter_; }

 private:
  friend Result<DirectorOnlyAssignment> select(const TrustedSet&, const ProvisionedEcu&);
  DirectorOnlyAssignment(TargetName name, model::Target target, ReleaseCounter counter)
      : name_(std::move(name)), target_(std::move(target)), counter_(counter) {}
  TargetName name_;
  model::Target target_;
  ReleaseCounter counter_;
};

/// This ECU's own entry of a director's targets that have passed update_targets_partially() (PVS-4).
/// Rejections: ecu-has-no-image, ecu-hardware-wrong, ecu-release-counter-lower; member-*.
Result<DirectorOnlyAssignment> select(const TrustedSet& director, const ProvisionedEcu& ecu);

}  // namespace cotter::trust
