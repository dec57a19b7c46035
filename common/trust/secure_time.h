// What time it is, on nobody's word but the director's time source (section 7 of the checklist; TIM-3 to
// TIM-10): asks with a nonce, judges the answer, and counts on from it by a clock that nobody can set. Never
// believes a time before its floor, and after a refusal is as it was before, its nonce too. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/trust/time_state.h"
#include "common/trust/verified.h"

namespace cotter::trust {

/// No genuine time is before this software was written: the floor of an ECU that knows no better (TIM-9).
inline constexpr UtcTime kWritten{std::chrono::sys_days{std::chrono::year{2026} / 11 / 1}};

struct TimeRules {
  UtcTime earliest = kWritten;
  /// Whose answers count, where an answer says who asked (TIM-10).
  std::optional<VehicleId> vin{};
  /// How long an attestation lasts on an ECU whose clock runs: a time source that is down for a weekend is no
  /// outage of the fleet, and whoever suppresses it gains no more than this (TIM-6).
  std::chrono::seconds longest = std::chrono::hours(7 * 24);
};

class SecureTime {
 public:
  explicit SecureTime(TimeRules rules = {}, TimeState state = {});

  // --- whose word counts ---

  /// The newest director's root that is trusted. Once its time source is another than before, the floor is
  /// the earliest time again and nothing is attested (VER-9): so recovers who was led into the far future.
  void learn(const Verified<model::Root>& root);
  /// The newest director's targets, on an ECU that verifies partially: the same, where they list a time
  /// source (PVS-6). Rejections: member-*, key-*, threshold-*.
  Result<void> learn(const Verified<model::Targets>& targets);
  /// Whether there is a time source. Where there is none, the ECU's own clock counts, and nothing below does.
  [[nodiscard]] bool has_source() const noexcept { return state_.source.has_value(); }

  // --- asking ---

  /// Begins a cycle: the nonce to ask with. The one that still waits for its answer, else `fresh`.
  const model::Nonce& ask(const model::Nonce& fresh);
  /// The answer, as an ECU gets it: others' nonces stand in it too. `uptime` is nothing on an ECU without a
  /// clock. Rejections: file-too-large, json-*, member-*, signature-key-repeated, threshold-not-met (TIM-3a);
  /// time-nonce-missing (TIM-3b), time-nonce-foreign (another vehicle asked), time-before-floor (TIM-3c);
  /// time-jump-unconfirmed (TIM-5), after which a new nonce is drawn for the attestation that may confirm it.
  Result<void> accept(Bytes attestation, const std::optional<Uptime>& uptime);
  /// As the primary gets it, which knows all nonces of its request (TIM-10). Also time-nonce-missing of any
  /// of them, and time-nonce-foreign.
  Result<void> accept_for(std::span<const model::Nonce> request, Bytes attestation,
                          const std::optional<Uptime>& uptime);

  // --- the time ---

  /// The attested time and what has passed since; without a clock, only what this cycle's answer said.
  /// Rejection: time-not-attested (TIM-6).
  [[nodiscard]] Result<UtcTime> now(const std::optional<Uptime>& uptime) const;
  /// The latest time that can be vouched for, however old: for reports (TIM-8).
  [[nodiscard]] UtcTime latest(const std::optional<Uptime>& uptime) const;

  // --- what must outlive a restart ---

  /// Whether enough has changed to be worth a write: an hour of floor at most is lost, and no nonce outlives
  /// a restart, so that nothing can be replayed within that hour.
  [[nodiscard]] bool needs_saving() const;
  [[nodiscard]] const TimeState& state() const noexcept { return state_; }
  void saved();

 private:
  using Attestation = Verified<model::TimeAttestation>;
  void change_source(std::optional<model::TimeSource> source);
  Result<void> judge(const std::span<const model::Nonce>* request, Bytes wire,
                     const std::optional<Uptime>& uptime);
  Result<void> check_nonces(const Attestation& answer, const std::span<const model::Nonce>* request) const;
  Result<void> check_floor(UtcTime time, const std::optional<Uptime>& uptime) const;
  Result<void> check_jump(UtcTime time);
  [[nodiscard]] std::optional<UtcTime> counted_on(const std::optional<Uptime>& uptime) const;

  TimeRules rules_;
  TimeState state_;
  std::optional<model::Nonce> nonce_;
  std::optional<UtcTime> this_cycle_;
  TimeState saved_;
  bool changed_ = false;  ///< beyond floor and attestation
};

}  // namespace cotter::trust
