// Choosing the image that an ECU is to run.
// Never takes an image's facts from an operator: they are copied from the image repository, read as a client
// reads it (DIR-43). As Db: one thread at a time.
#pragma once

#include <filesystem>
#include <optional>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/inventory/vehicle.h"

namespace cotter::app {

struct Assigned {
  std::optional<TargetName> before;  ///< what the ECU was to run until now
  inventory::Desired desired;
  bool quarantined = false;  ///< the ECU runs an image that we never gave it; this one replaces it (DIR-27)
};

/// Points into `vehicle`. Faults: NotFound.
Result<inventory::Ecu*> find_ecu(inventory::Vehicle& vehicle, const EcuSerial& serial);

/// The ECU is to run this image: the vehicle learns of it with its next poll. Needs no key. The ledger tells
/// of it, and of a refusal. Rejections:
/// match-hardware-wrong, match-release-counter-lower (DIR-44), match-custom-differs; those of a client, when
/// the image repository does not verify. Faults: NotFound (vehicle, ECU or image), Conflict (another ECU of
/// this vehicle is to run other contents of that name; the image's supplier was removed), Busy (the vehicle
/// was changed meanwhile, too), NoSpace, Io.
Result<Assigned> assign(host::Db& db, const std::filesystem::path& repo_dir, const VehicleId& vin,
                        const EcuSerial& ecu, const TargetName& target, UtcTime now);

/// Gives each ECU without a desired image the one it left the factory with, where the image repository has it
/// (DIR-45) and the ECU is not in quarantine (DIR-27). An image repository that cannot be read is none, here:
/// a vehicle's own files must not wait for it.
Result<void> adopt_factory_images(host::Db& db, const std::filesystem::path& repo_dir,
                                  const inventory::Vehicle& vehicle, UtcTime now);

}  // namespace cotter::app
