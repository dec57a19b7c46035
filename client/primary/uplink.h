// The seam between the primary and the world outside the vehicle: two repositories and the director's ear.
// Never decides what to believe. One thread.
#pragma once

#include <cstdint>
#include <functional>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/trust/seams.h"
#include "common/trust/uptane_match.h"

namespace cotter::client {

struct Uplink {
  virtual ~Uplink() = default;
  virtual trust::Transport& director() = 0;
  /// The same for its roots alone: here the dates in a server's certificate do not matter, for who cannot
  /// tell the time cannot judge them, and roots are signed (TIM-6).
  virtual trust::Transport& director_roots() = 0;
  virtual trust::Transport& image_repository() = 0;
  /// PUT /director/manifest. Faults: Denied (the director refused it, and says why), Network, Timeout.
  virtual Result<void> send_manifest(ByteView manifest) = 0;
  /// The time source's answer to a model::TimeRequest; it is signed, and dates do not matter here either.
  /// Rejections: file-too-large, transfer-too-slow. Faults: Denied, Network, Timeout.
  virtual Result<Bytes> attest_time(ByteView request) = 0;
  /// From here on the dates in servers' certificates are judged by this time, not by the machine's clock.
  virtual void go_by(UtcTime now) = 0;
  /// The image's bytes from `offset` on. Rejections: transfer-too-slow, image-too-long (of the sink). Faults:
  /// NotFound, Network, Timeout.
  virtual Result<void> download(const trust::Assignment& assignment, std::uint64_t offset,
                                const std::function<Result<void>(ByteView)>& sink) = 0;
};

}  // namespace cotter::client
