// One pull of metadata by one ECU: director, image repository, delegations, down to what this ECU may install
// (FVS-2 to FVS-7; PVS-2 to PVS-5 where it verifies partially).
// Never takes the primary's word for anything. Stored files come from the ECU's own store, and what verified
// goes there: each root at once (VER-6), the rest of a repository in one batch. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "client/install/installer.h"
#include "common/base/time.h"
#include "common/trust/refresh.h"

namespace cotter::client {

enum class Verification : std::uint8_t { Full, Partial };

/// What the factory wrote into this ECU.
struct EcuIdentity {
  VehicleId vin;
  EcuSerial serial;
  HardwareId hardware_id;
  Verification verification = Verification::Full;
  Bytes director_root;
  Bytes image_root;        ///< empty on an ECU that verifies partially
  Limits director_limits;  ///< what this ECU has room for
  Limits image_limits = Limits::for_image_repository();
};

/// What a pull came to.
struct Verdict {
  std::optional<Permit> permit;  ///< nothing: the ECU runs what it should, or is not mentioned
  Version director_targets;
};

/// What time a pull goes by.
struct PullTime {
  virtual ~PullTime() = default;
  /// The director's chain of roots has ended with this one, whose time source counts. Rejections: those of
  /// trust::SecureTime. Faults of the store.
  virtual Result<UtcTime> at(const trust::Verified<model::Root>& newest) = 0;
  /// The director's targets, on an ECU that verifies partially (PVS-6). As above.
  virtual Result<void> learn(const trust::Verified<model::Targets>& targets) = 0;
};

class Intake {
 public:
  /// `self` is this ECU as it is now. A stored root that does not verify gives way to the factory's
  /// (VER-REC). Faults of the store; Rejections of TrustedSet::anchored_at.
  static Result<Intake> open(const EcuIdentity& identity, trust::MetadataStore& store, PullTime& time,
                             trust::ProvisionedEcu self);

  /// The director's root that this ECU has: stored, or the factory's. As open().
  static Result<trust::Verified<model::Root>> director_root(const EcuIdentity& identity,
                                                            trust::MetadataStore& store);

  struct Need {
    Repository repository;
    trust::Want want;
  };
  /// The next file that the ECU does not have itself; nothing: verdict() is there. Rejections of Refresh,
  /// DelegationWalk, match(), select() and PullTime. Faults of the store.
  Result<std::optional<Need>> next();
  Result<void> give(Bytes file);
  Result<void> absent();
  [[nodiscard]] const Verdict& verdict() const;

 private:
  using Driver = std::variant<trust::Refresh, trust::DelegationWalk>;
  Intake(const EcuIdentity& identity, trust::MetadataStore& store, PullTime& time, trust::ProvisionedEcu self,
         trust::Refresh director);
  static Result<trust::TrustedSet> anchor(const EcuIdentity& identity, trust::MetadataStore& store,
                                          UtcTime now, Repository repository);
  [[nodiscard]] Repository repository() const noexcept;
  [[nodiscard]] std::optional<trust::Want> wanted() const;
  Result<void> step(std::optional<Bytes> file);
  Result<void> end_roots();
  Result<void> keep(std::vector<trust::Effect> effects);
  Result<void> settle();
  Result<void> close_driver();
  Result<void> judge_director(trust::TrustedSet director);
  Result<void> judge_both(const trust::TrustedSet& image);

  const EcuIdentity* identity_;
  trust::MetadataStore* store_;
  PullTime* time_;
  UtcTime now_{};                ///< once the director's roots are known
  trust::VehicleRecord record_;  ///< of this ECU alone
  std::optional<Driver> driver_;
  std::vector<trust::Effect> kept_;            ///< verified, of the repository at hand, not yet stored
  std::optional<trust::TrustedSet> director_;  ///< once it is up to date
  std::optional<trust::Pending> pending_;
  std::optional<Verdict> verdict_;
};

}  // namespace cotter::client
