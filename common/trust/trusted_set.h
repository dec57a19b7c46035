// One repository's trust state: the whole client workflow of Uptane 5.4.4.3-5.4.4.6 and TUF 5.3-5.6 as one
// object. Never does I/O, never reads a clock, never changes after a Rejection. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/trust/verified.h"

namespace cotter::trust {

/// How one repository is read. Fixed when a TrustedSet is anchored.
struct Policy {
  Repository repository = Repository::Image;
  Profile profile = Profile::Vehicle;
  Limits limits;
  /// Directors: the vehicle that every file must be for (VER-39, PVS-3). Unset: not checked.
  std::optional<VehicleId> vin;
  /// Directors, on a primary: the ECUs this vehicle was provisioned with (VER-38). Unset: not checked
  /// (FVS-4).
  std::optional<std::set<EcuSerial>> ecus;
};

/// What a new root's key changes make a client forget, in the same commit that stores the root (VER-8).
struct RootConsequences {
  bool forget_timestamp_and_snapshot = false;
  bool forget_targets = false;
};

/// Order of calls: update_root* -> close_root_chain -> recall_timestamp? -> update_timestamp ->
/// recall_snapshot? -> update_snapshot -> recall_targets? -> update_targets*. Another order is a bug and dies
/// in COTTER_ASSERT. Every update_* either takes the file whole or leaves the set as it was.
class TrustedSet {
 public:
  /// `pinned_root` is trusted because of where it was kept; its expiry is not looked at yet (VER-1).
  /// `now` is the one time of this cycle (VER-TIME).
  static Result<TrustedSet> anchored_at(Bytes pinned_root, UtcTime now, Policy policy);

  /// The next root, exactly one version on (VER-3 to VER-5).
  Result<RootConsequences> update_root(Bytes fetched);
  /// The chain has ended: judges expiry (VER-7). Rejection: root-expired.
  Result<void> close_root_chain() { return close_root_chain(now_); }
  /// The same by the time that the newest root's time source attests, which is the cycle's from here on
  /// (TIM-5).
  Result<void> close_root_chain(UtcTime now);

  /// A stored file serves as floor against rollback, expired or not (VER-15). One that does not verify counts
  /// as absent: the return value says whether it was taken.
  bool recall_timestamp(Bytes stored);
  bool recall_snapshot(Bytes stored);
  bool recall_targets(Bytes stored);

  /// false: the version that is trusted already; the stored file stays (VER-13). Judges the expiry of
  /// whichever stays.
  Result<bool> update_timestamp(Bytes fetched);
  /// `recalled` files that fit what the parent lists need no download: ask before fetching (full_verification
  /// 8; GAP-4: all checks run on them again). true: taken as current.
  bool use_recalled_snapshot();
  /// `ahead`: what may have read its content before.
  Result<void> update_snapshot(Bytes fetched, const ContentSource& ahead = nullptr);
  bool use_recalled_targets();
  /// Top-level targets, or a role delegated by `delegator`, whose file must be trusted already (VER-31 to
  /// VER-39).
  Result<void> update_targets(Bytes fetched, const RoleName& role, const RoleName& delegator);
  /// Partial verification (Uptane 5.4.4.1; PVS-2): the director's targets by the root alone, with no snapshot
  /// to fit.
  Result<void> update_targets_partially(Bytes fetched);

  /// The same client's next cycle, with all of this one stored: newest root, and timestamp, snapshot and
  /// targets as floors. A root that was published since is not in it. `now`: of that cycle.
  [[nodiscard]] TrustedSet next_cycle(UtcTime now) const;

  [[nodiscard]] const Verified<model::Root>& root() const noexcept { return root_; }
  [[nodiscard]] const Verified<model::Timestamp>* timestamp() const noexcept { return get(timestamp_); }
  [[nodiscard]] const Verified<model::Snapshot>* snapshot() const noexcept { return get(snapshot_); }
  /// The top-level targets, when trusted in this cycle.
  [[nodiscard]] const Verified<model::Targets>* targets() const noexcept;
  /// `role` as reached through `delegator` (VER-33: each parent's keys count for themselves).
  [[nodiscard]] const Verified<model::Targets>* targets(const RoleName& role,
                                                        const RoleName& delegator) const noexcept;
  /// What the snapshot lists for a role; nothing when it does not, or when there is no snapshot yet.
  [[nodiscard]] std::optional<model::FileMeta> listed(const RoleName& role) const;
  /// The top-level targets of the last cycle, where they were recalled: the standard's "previous Targets
  /// metadata".
  [[nodiscard]] const Verified<model::Targets>* recalled_targets() const noexcept {
    return get(targets_floor_);
  }
  [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
  [[nodiscard]] UtcTime now() const noexcept { return now_; }

  /// The most bytes worth reading of a file: the length its parent lists, up to a hard cap, else the role's
  /// own cap (VER-LIM, GAP-39).
  [[nodiscard]] std::uint64_t max_bytes(const RoleName& role) const;

 private:
  template <class T>
  static const Verified<T>* get(const std::shared_ptr<const Verified<T>>& p) noexcept {
    return p.get();
  }
  TrustedSet(Verified<model::Root> root, UtcTime now, Policy policy);
  Result<void> check_same_timestamp(const Verified<model::Timestamp>& fetched) const;
  Result<void> check_same_snapshot(const Verified<model::Snapshot>& fetched) const;
  Result<void> check_same_listing(const model::MetaFiles::Entry& trusted,
                                  const model::MetaFiles::Entry& listed) const;
  Result<void> check_listing(const model::MetaFiles& trusted, const model::MetaFiles& next) const;
  Result<void> check_snapshot(const Verified<model::Snapshot>& next) const;
  Result<void> check_snapshot_bytes(ByteView fetched) const;
  Result<Verified<model::Targets>> judge_targets(Bytes fetched, const RoleName& role,
                                                 const RoleName& delegator) const;
  Result<void> check_targets(const Verified<model::Targets>& next, const RoleName& role) const;
  const Verified<model::Targets>* targets_of(const RoleName& role) const noexcept;
  Result<void> check_vin(const std::optional<VehicleId>& vin, bool required) const;

  Policy policy_;
  UtcTime now_;
  Verified<model::Root> root_;
  bool root_closed_ = false;
  // Shared, immutable: a copy of the set is cheap, and an update swaps a pointer in its last line.
  std::shared_ptr<const Verified<model::Timestamp>> timestamp_floor_, timestamp_;
  std::shared_ptr<const Verified<model::Snapshot>> snapshot_floor_, snapshot_;
  std::shared_ptr<const Verified<model::Targets>> targets_floor_;
  std::map<std::pair<RoleName, RoleName>, std::shared_ptr<const Verified<model::Targets>>> targets_;
};

}  // namespace cotter::trust
