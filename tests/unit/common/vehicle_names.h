// The vehicle of most tests, and the serials of its ECUs. Never for use outside tests. Any thread.
#pragma once

#include "common/base/strong.h"

namespace cotter::test {

inline const VehicleId kVin("VIN-1");
inline const EcuSerial kBrake("BRAKE"), kDoor("DOOR");

}  // namespace cotter::test
