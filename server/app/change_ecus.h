// ECUs that are replaced, added and removed by an authorised act (DIR-14), never by what a vehicle says. As
// Db: one thread at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/inventory/vehicle.h"

namespace cotter::app {

inline constexpr std::size_t kMaxChangeReasonBytes = 1024;

/// One or the other, or both: a replacement.
struct EcuChange {
  std::optional<EcuSerial> leaves{};
  std::optional<inventory::EcuRecord> enters{};
  std::string reason;  ///< for whoever asks later: UTF-8, up to kMaxChangeReasonBytes
};

struct EcuChanged {
  std::optional<TargetName> ended{};  ///< what the ECU that left was to run
  bool is_carried = false;            ///< the ECU that took its place is to run that now
  std::string why_not{};              ///< where it is not, though there was an image: the reason, in words
};

/// Works whatever state the vehicle is in, with an update on its way too: what the leaving ECU was to run
/// ends with it; the other ECUs' images stay as they are. From now on the vehicle's manifests are judged by
/// the new list (DIR-22), and what is signed for it next names no other ECU. Then, as a step of its own, the
/// ECU in the place of one is assigned the image of that name as assign() does: where it may not run it, or
/// the image is not published any more, the change stands all the same. Recorded in the ledger. Faults:
/// NotFound (vehicle, or it has no such ECU), Denied (it would be without a primary or have two; a serial or
/// a key that is or was another ECU's), Usage (neither leaves nor enters; a reason that is none), NoSpace,
/// Busy, Io.
Result<EcuChanged> change_ecus(host::Db& db, const std::filesystem::path& repo_dir, const VehicleId& vin,
                               const EcuChange& change, UtcTime now);

}  // namespace cotter::app
