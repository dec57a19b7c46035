// How often each caller may call, a vehicle or an address: so many times at once, then one by one (ATK-50).
// Never remembers one longer than its limit lasts, and never looks at a clock. Safe on any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace cotter::http {

struct Rate {
  std::uint32_t at_once = 1;
  std::uint32_t per_minute = 1;
};

class RateLimiter {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit RateLimiter(Rate rate);
  /// Takes one call of this caller. A value: it is one too many, costs the caller nothing more, and will not
  /// be before so much time has passed.
  std::optional<std::chrono::milliseconds> take(const std::string& caller, Instant now);
  /// How many are remembered.
  [[nodiscard]] std::size_t size() const;

 private:
  void forget_rested(Instant now);

  const std::chrono::milliseconds interval_;
  const std::chrono::milliseconds tolerance_;
  mutable std::mutex guard_;
  std::map<std::string, Instant> rested_at_;  ///< when the caller may call `at_once` times again
  std::size_t forget_above_;                  ///< so many, before the rested ones are looked for
};

}  // namespace cotter::http
