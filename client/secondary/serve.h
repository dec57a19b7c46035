// The socket loop round a SecondaryCore: one primary at a time, a deadline on every frame.
// Never decides anything; a caller that is slow, silent or wrong loses its connection and nothing else.
// One thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "client/links/socket.h"
#include "client/secondary/core.h"

namespace cotter::client {

struct ServeLimits {
  /// Between two requests; the next primary waits no longer than this for a silent one.
  std::chrono::milliseconds idle{15'000};
  /// For a frame, besides what its bytes take at the lowest rate (FVS-9).
  std::chrono::milliseconds frame{5'000};
  std::uint64_t min_bytes_per_second = 16 * 1024;
};

/// Until the caller hangs up or is hung up on.
void serve_caller(SecondaryCore& core, Socket caller, const ServeLimits& limits);
/// One caller after another; comes back only when the listener fails. Fault: Network.
Result<void> serve(SecondaryCore& core, Socket& listener, const ServeLimits& limits);

}  // namespace cotter::client
