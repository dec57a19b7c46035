// The vehicle's time in a cycle: asks the director's time source with the nonce of every ECU, judges the
// answer as the primary (TIM-10), and hands it on unchanged (PRI-11, PRI-14). Never believes an answer that
// lacks an ECU's nonce. One thread; lives as long as the program, for an ECU's nonce waits for its answer.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "client/dispatch/dispatcher.h"
#include "client/primary/uplink.h"
#include "client/store/sqlite/primary_store.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/trust/secure_time.h"

namespace cotter::client {

class VehicleTime {
 public:
  /// All must outlive it.
  struct Parts {
    PrimaryStore& store;
    Links& links;
    Uplink& uplink;
    const trust::UptimeClock& uptime;
    trust::NonceSource& nonces;
  };
  /// Reads what was kept; a record that cannot be read is begun anew. Fault: Io.
  static Result<VehicleTime> open(Parts parts, VehicleId vin);

  /// What was attested and has been counted on since; nothing where the vehicle's own clock counts, or where
  /// that was too long ago.
  [[nodiscard]] std::optional<UtcTime> known() const;

  /// The time of this cycle, by the source that the director's newest root lists; nothing where it lists
  /// none. An answer that does not come or is refused is no matter while the last one still counts (TIM-6);
  /// `note` hears of the broken rule then. Rejections: time-not-attested, or what was wrong with the answer.
  Result<std::optional<UtcTime>> ask(const trust::Verified<model::Root>& newest,
                                     const std::function<void(const Rejection&)>& note);

 private:
  VehicleTime(Parts parts, trust::SecureTime time, VehicleId vin)
      : parts_(parts), time_(std::move(time)), vin_(std::move(vin)) {}
  struct Asking {
    EcuLink* ecu;
    model::Nonce nonce;
  };
  [[nodiscard]] std::vector<Asking> collect_nonces(const model::Nonce& own) const;
  Result<void> exchange();
  Result<void> keep();

  Parts parts_;
  trust::SecureTime time_;
  VehicleId vin_;
};

}  // namespace cotter::client
