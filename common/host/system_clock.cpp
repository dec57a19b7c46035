#include "common/host/system_clock.h"

#include <ctime>

namespace cotter::host {

UtcTime SystemClock::now() const { return UtcTime(std::chrono::seconds(std::time(nullptr))); }

}  // namespace cotter::host
