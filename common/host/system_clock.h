// The machine's clock behind the Clock seam.
// Never used inside the verification core, which is told one `now`. Safe on any thread.
#pragma once

#include "common/base/time.h"

namespace cotter::host {

/// Reads the C library's time(), so that faketime and the like move it.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] UtcTime now() const override;
};

}  // namespace cotter::host
