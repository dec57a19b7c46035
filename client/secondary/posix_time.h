// What an ECU with an operating system tells the time with: how long it has been up, and nonces from
// libsodium. Never a clock that somebody could set. One thread.
#pragma once

#include <string>

#include "common/trust/time_state.h"

namespace cotter::client {

class PosixUptime final : public trust::UptimeClock {
 public:
  PosixUptime();
  /// Counts while the machine sleeps too (CLOCK_BOOTTIME). Nothing where the kernel does not say which boot
  /// this is: a count could not be told from that of another.
  [[nodiscard]] std::optional<trust::Uptime> uptime() const override;

 private:
  std::string boot_;
};

struct SodiumNonces final : trust::NonceSource {
  model::Nonce draw() override;
};

}  // namespace cotter::client
