// What the factory does to a secondary: its folder, its key, its roots, its first image (FVS-1, PVS-1).
// Never overwrites an ECU that is there already. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "client/ecu/config.h"
#include "client/ecu/floors.h"
#include "client/install/factory.h"
#include "client/secondary/intake.h"
#include "common/base/result.h"
#include "common/disk/disk.h"
#include "common/json/value.h"

namespace cotter::client {

struct EcuOrder {
  std::filesystem::path dir;
  std::string vin, serial, hardware_id;
  Verification verification = Verification::Full;
  Slots slots = Slots::Two;
  std::filesystem::path director_root;
  std::optional<std::filesystem::path> image_root;  ///< required for full verification
  std::filesystem::path image;
  std::string image_name;
  std::uint64_t release_counter = 0;
  std::string listen;
  std::string floor_store = FloorPlace().store;
};

/// Adds files to a folder that is being made.
using AddFiles = std::function<Result<void>(const std::filesystem::path& dir)>;

/// Makes DIR/ecu.toml, ecu.key, director-root.json, image-root.json, metadata/, slots/, active, state/, and
/// floors/ or the TPM's index, and what `more` adds; of the folder all or nothing: it is made as DIR.new, and
/// what a power cut left there goes. Returns this ECU's part of the vehicle record. Faults: Conflict (DIR
/// exists), Usage, NotFound, NoSpace, Denied, Io. Rejections of the roots, which must be signed by their own
/// thresholds.
Result<json::Object> provision_ecu(disk::Disk& disk, const EcuOrder& order, const AddFiles& more = {});

/// Lines of a configuration that raise the caps for roots larger than the usual ones; empty for others.
/// Faults: NotFound, Usage, Denied, Io.
Result<std::string> raised_limits(const EcuOrder& order);

/// The workshop's way out for an ECU whose rollback floor is lost: records one anew, at least that of the
/// image that was last confirmed. Returns it. Faults: Conflict (the floor can be read: it is never lowered),
/// Busy (the ECU runs); those of FloorStore.
Result<ReleaseCounter> renew_floor(disk::Disk& disk, const EcuConfig& config, ReleaseCounter counter);

}  // namespace cotter::client
