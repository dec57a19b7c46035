// How often each vehicle may call: so many times at once, then one by one (ATK-50).
// Never remembers a vehicle longer than its limit lasts, and never looks at a clock. Safe on any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "common/base/strong.h"

namespace cotter::http {

struct Rate {
  std::uint32_t at_once = 1;
  std::uint32_t per_minute = 1;
};

class RateLimiter {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit RateLimiter(Rate rate);
  /// Takes one call of this vehicle. A value: it is one too many, costs the vehicle nothing more, and will
  /// not be before so much time has passed.
  std::optional<std::chrono::milliseconds> take(const VehicleId& vehicle, Instant now);
  /// How many vehicles are remembered.
  [[nodiscard]] std::size_t size() const;

 private:
  void forget_rested(Instant now);

  const std::chrono::milliseconds interval_;
  const std::chrono::milliseconds tolerance_;
  mutable std::mutex guard_;
  std::map<VehicleId, Instant> rested_at_;  ///< when the vehicle may call `at_once` times again
  std::size_t forget_above_;                ///< so many, before the rested ones are looked for
};

}  // namespace cotter::http
