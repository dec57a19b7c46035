// Director beside image repository (Uptane full_verification 10): what comes out is what may be installed.
// Never makes an Assignment from one repository's word. Pure.
#pragma once

#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/manifest.h"
#include "common/model/roles.h"
#include "common/trust/refresh.h"
#include "common/trust/trusted_set.h"

namespace cotter::trust {

/// One ECU as the vehicle knows it, apart from any metadata (PRI-31, PRI-32).
struct ProvisionedEcu {
  EcuSerial serial;
  HardwareId hardware_id;
  ReleaseCounter floor;                            ///< of the image it runs; never goes back
  std::optional<model::InstalledImage> installed;  ///< what it last reported, where known
};
/// A primary's record holds all its ECUs; a secondary's holds itself alone.
struct VehicleRecord {
  VehicleId vin;
  std::vector<ProvisionedEcu> ecus;
};

/// The image to install on one ECU: listed by the director for this ECU and by the image repository, with
/// equal facts. Only match() makes one.
class Assignment {
 public:
  [[nodiscard]] const EcuSerial& ecu() const noexcept { return ecu_; }
  [[nodiscard]] const HardwareId& hardware_id() const noexcept { return hardware_id_; }
  [[nodiscard]] const TargetName& name() const noexcept { return name_; }
  /// As the director lists it; its hashes joined with the image repository's.
  [[nodiscard]] const model::Target& target() const noexcept { return target_; }
  [[nodiscard]] ReleaseCounter release_counter() const noexcept { return facts_.release_counter; }
  /// The section that is equal on both repositories.
  [[nodiscard]] const model::MustMatch& facts() const noexcept { return facts_; }

 private:
  friend Result<std::vector<Assignment>> match(const TrustedSet&, const TrustedSet&, const VehicleRecord&);
  Assignment(const ProvisionedEcu& ecu, TargetName name, model::Target target, model::MustMatch facts)
      : ecu_(ecu.serial),
        hardware_id_(ecu.hardware_id),
        name_(std::move(name)),
        target_(std::move(target)),
        facts_(std::move(facts)) {}
  EcuSerial ecu_;
  HardwareId hardware_id_;
  TargetName name_;
  model::Target target_;
  model::MustMatch facts_;
};

/// What the director lists for an ECU of the record and the ECU does not run yet: what to look for in the
/// image repository. An entry equal to what the ECU runs asks for nothing (DIR-45).
struct Pending {
  TargetName name;
  EcuSerial ecu;
  HardwareId hardware_id;
};
Result<std::vector<Pending>> pending(const TrustedSet& director, const VehicleRecord& record);

/// Every pending entry checked against the image repository, whose delegated roles have been loaded by a
/// DelegationWalk for each; all or none (PRI-20). Rejections: match-image-unknown, match-length-differs,
/// match-hash-differs, match-custom-differs, match-hardware-wrong, match-release-counter-lower; member-*.
Result<std::vector<Assignment>> match(const TrustedSet& director, const TrustedSet& image,
                                      const VehicleRecord& record);

/// What would run once `set` is installed, against every `requires` and `conflicts` of its images and of
/// those that run on (DIR-40, ATK-14): a director's keys must not put a combination together that nobody
/// released. For a primary, whose record is whole; a set of none asks nothing. Rejections:
/// match-requirement-unmet, match-conflict; member-*.
Result<void> check_together(const TrustedSet& director, const std::vector<Assignment>& set,
                            const VehicleRecord& record);

}  // namespace cotter::trust
