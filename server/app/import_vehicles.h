// Bringing many vehicles into the inventory from one file. Never half of what was asked: all of them, or all
// that are right, or none. As Db: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/inventory/vehicle_file.h"

namespace cotter::app {

struct ImportRequest {
  std::filesystem::path file;  ///< NAME.csv or NAME.jsonl, as inventory::VehicleFile reads them
  bool skip_bad = false;       ///< leave out vehicles that are wrong; else one keeps all of them out
  bool dry_run = false;        ///< judge, and change nothing
  std::function<void(const inventory::LineProblem&)> on_problem{};
  std::function<void(std::uint64_t done, std::uint64_t total)> progress{};  ///< bytes of the file
};

struct ImportOutcome {
  std::uint64_t vehicles = 0;  ///< recorded, or with dry_run: that would be
  std::uint64_t ecus = 0;      ///< of those
  std::uint64_t bad = 0;       ///< vehicles left out
};

/// Records each vehicle as register_vehicle() does, in one transaction: who writes meanwhile waits. The
/// ledger notes of each the SHA-256 of its record in canonical JSON. Faults: Denied (vehicles that are wrong,
/// or recorded already, without skip_bad: nothing was recorded; may not be read), Usage (another name),
/// NotFound, those of VehicleFile, NoSpace, Busy, Io.
Result<ImportOutcome> import_vehicles(host::Db& db, const ImportRequest& request, UtcTime now);

}  // namespace cotter::app
