// One ECU's time: what its director's time source attests where there is one, else its own clock (FVS-3;
// TIM-6 to TIM-9). Keeps what must outlive a restart. Never takes the primary's word for what time it is. One
// thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "client/install/media.h"
#include "client/secondary/intake.h"
#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/trust/secure_time.h"

namespace cotter::client {

/// What an ECU tells the time with; all must outlive it.
struct TimeSeams {
  const Clock& clock;  ///< counts where the director lists no time source
  const trust::UptimeClock& uptime;
  trust::NonceSource& nonces;
};

class EcuTime final : public PullTime {
 public:
  /// `note` hears of a broken rule that no reply tells the primary.
  EcuTime(StateStore& store, TimeSeams seams, VehicleId vin, std::function<void(const Rejection&)> note);
  /// Reads what was kept. A record that cannot be read is begun anew. Faults: Io.
  Result<void> open();

  /// The root that this ECU has: whose time counts before the first pull.
  void begin(const trust::Verified<model::Root>& known);

  /// Begins a cycle.
  model::Nonce ask();
  /// The answer. It is judged by the time source that is known; when that did not sign it, or none is known,
  /// a newer root may say that another counts, and it is kept for the next pull, which judges it again.
  /// Rejections: those of SecureTime::accept. Faults: Io, NoSpace.
  Result<void> take(Bytes attestation);

  Result<UtcTime> at(const trust::Verified<model::Root>& newest) override;
  Result<void> learn(const trust::Verified<model::Targets>& targets) override;

  /// The latest time that this ECU can vouch for (TIM-8), and how far an earlier report may have been ahead
  /// of it and still be right: after a restart, by all that had been counted.
  struct ForReport {
    UtcTime time;
    std::chrono::seconds ahead;
  };
  [[nodiscard]] ForReport for_report() const;

 private:
  /// Kept until a pull judges it, with what was wrong with it by the source that was known.
  struct Held {
    Bytes attestation;
    std::optional<Rejection> why;
  };
  Result<void> keep();

  StateStore& store_;
  TimeSeams seams_;
  trust::TimeRules rules_;
  std::function<void(const Rejection&)> note_;
  trust::SecureTime time_;
  std::optional<Held> held_;
};

}  // namespace cotter::client
