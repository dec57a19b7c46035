#include "server/http/rate_limit.h"

#include <algorithm>

#include "common/base/error.h"

namespace cotter::http {
namespace {

constexpr std::chrono::milliseconds kMinute{60'000};
constexpr std::size_t kFew = 1024;

}  // namespace

RateLimiter::RateLimiter(Rate rate)
    : interval_(kMinute / std::max<std::uint32_t>(rate.per_minute, 1)),
      tolerance_(interval_ * (std::max<std::uint32_t>(rate.at_once, 1) - 1)),
      forget_above_(kFew) {}

std::optional<std::chrono::milliseconds> RateLimiter::take(const std::string& caller, Instant now) {
  const std::lock_guard lock(guard_);
  if (rested_at_.size() > forget_above_) forget_rested(now);
  const auto found = rested_at_.find(caller);
  // Each call puts off by one interval when the caller is rested: one instant stands for the whole bucket.
  const Instant rested = found == rested_at_.end() ? now : std::max(found->second, now);
  if (rested - now > tolerance_) {
    return std::chrono::ceil<std::chrono::milliseconds>(rested - now - tolerance_);
  }
  rested_at_.insert_or_assign(caller, rested + interval_);
  return std::nullopt;
}

std::size_t RateLimiter::size() const {
  const std::lock_guard lock(guard_);
  return rested_at_.size();
}

void RateLimiter::forget_rested(Instant now) {
  std::erase_if(rested_at_, [now](const auto& each) { return each.second <= now; });
  forget_above_ = std::max(kFew, 2 * rested_at_.size());  // so that looking costs each call little
}

}  // namespace cotter::http
