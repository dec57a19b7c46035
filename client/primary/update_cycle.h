// One update cycle of the primary (Uptane 5.4.2): reports, manifest, metadata, images, dispatch, reports
// again. Every step can be repeated; the phase on disk says which must be. Never hands an ECU anything that
// both repositories have not vouched for (PRI-17). One thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "client/dispatch/dispatcher.h"
#include "client/primary/uplink.h"
#include "client/primary/vehicle_reports.h"
#include "client/primary/vehicle_time.h"
#include "client/store/image_store.h"
#include "client/store/sqlite/primary_store.h"
#include "common/base/limits.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"

namespace cotter::client {

struct VehicleIdentity {
  VehicleId vin;
  EcuSerial primary;
  /// The factory's roots, which outlive every store: what to begin from when no stored root is left
  /// (VER-REC).
  Bytes director_root, image_root;
};

struct CycleOptions {
  Limits director_limits;
  Limits image_limits = Limits::for_image_repository();
  /// How often an idle vehicle looks at the image repository, so that rotations reach it (GAP-8).
  std::chrono::seconds image_refresh_every = std::chrono::hours(24);
};

/// What a cycle came to.
struct CycleOutcome {
  std::vector<EcuOutcome> ecus;     ///< one for each assignment that was committed; empty: nothing new
  std::optional<Error> stopped;     ///< what kept the set from being installed whole
  std::optional<Error> unreported;  ///< the last manifest did not reach the director, or it refused it
  [[nodiscard]] bool all_installed() const;
};

class UpdateCycle {
 public:
  struct Parts {
    PrimaryStore& store;
    ImageStore& images;
    Links& links;
    Uplink& uplink;
    VehicleTime& time;
    const Clock& clock;      ///< counts where the director lists no time source
    crypto::Signer& signer;  ///< the primary's own ECU key
    /// Puts an attack into the primary's own next report (FMT-84).
    std::function<void(const Rejection&)> note_attack;
  };
  UpdateCycle(VehicleIdentity identity, Parts parts, CycleOptions options = {});

  /// Finishes what a restart interrupted, then runs one cycle. An Error is a failure of the primary itself
  /// (its disk, its store); what the outside did wrong stands in the outcome.
  Result<CycleOutcome> run_once();

 private:
  /// The next cycle asks both repositories and tells every ECU, whenever the last one did.
  Result<void> look_again();
  /// Finishes a set that ECUs were switching to when the power went, by the time at which it was verified
  /// (INS-7).
  Result<std::vector<EcuOutcome>> resume(const CycleState& state);
  /// From nothing to committed images; an Error is why the set was not installed.
  Result<std::vector<EcuOutcome>> update(const trust::VehicleRecord& record, CycleState state);
  /// From the newest stored root that verifies: one that storage has damaged gives way to the one before, and
  /// in the end to the factory's (VER-REC).
  Result<trust::TrustedSet> anchor(UtcTime now, const trust::Policy& policy);
  /// ECUs that slept need every root between theirs and ours: what storage has damaged is fetched again.
  Result<void> mend_roots(const trust::TrustedSet& newest, trust::Transport& transport);
  [[nodiscard]] const Bytes& pinned_root(Repository repository) const;
  Result<trust::TrustedSet> refresh(Repository repository, UtcTime now, trust::Transport& transport);
  /// The director's roots, then the time that their source attests, which is `state.now` from here on, then
  /// the rest (TIM-5).
  Result<trust::TrustedSet> refresh_director(CycleState& state);
  [[nodiscard]] trust::Policy policy_of(Repository repository) const;
  Result<std::vector<trust::Assignment>> match_all(const trust::TrustedSet& director, trust::TrustedSet image,
                                                   const std::vector<trust::Pending>& wanted,
                                                   const trust::VehicleRecord& record,
                                                   trust::Transport& transport);
  Result<void> download(const std::vector<trust::Assignment>& set);
  Result<std::vector<EcuOutcome>> install(const std::vector<trust::Assignment>& set, CycleState state);
  /// What an ECU confirmed when nobody heard it (a report lost, the primary's power gone after the commit) it
  /// says again (PRI-31).
  Result<void> raise_floors(const VehicleReports& reports);
  /// Reports anew what the ECUs run now, and raises the floors of those that confirmed a set.
  Result<void> report(CycleOutcome& outcome);
  Result<void> send_manifest(const VehicleReports& reports, CycleOutcome& outcome);

  VehicleIdentity identity_;
  Parts parts_;
  CycleOptions options_;
  Dispatcher dispatcher_;
  std::vector<KnownEcu> ecus_;
  std::vector<trust::Assignment> set_;  ///< of this cycle, once verified
  bool news_ = false;                   ///< a root or targets came that were not stored yet
};

}  // namespace cotter::client
