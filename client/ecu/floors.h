// Where a program's rollback floors are kept, as its configuration says it: in files, or in a TPM.
// Never opens one kind because the other is not there. Values, and stores of one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "client/install/floor_store.h"
#include "common/base/result.h"
#include "common/disk/disk.h"
#include "common/host/config.h"

namespace cotter::client {

struct FloorPlace {
  static constexpr std::uint32_t kDefaultIndex =
      0x0180C077;  ///< among those that a vehicle's maker hands out

  std::filesystem::path dir;  ///< a relative folder counts from here
  std::string store =
      "file:floors";  ///< "file:FOLDER", or "tpm:TCTI" as tss2 spells it: "tpm:device:/dev/tpmrm0"
  std::uint32_t nv_index = kDefaultIndex;
};

/// `[floor]` of a configuration, whose folder is `dir`. Absent: files beside it. Fault: Usage.
Result<FloorPlace> read_floor_place(const host::Config& config, const std::filesystem::path& dir);

/// Touches nothing yet: a TPM that is not there is the store's Fault. The disk must outlive it. Fault: Usage
/// (neither kind).
Result<std::unique_ptr<FloorStore>> open_floors(disk::Disk& disk, const FloorPlace& place);

/// Begins an empty store; one that is there already is left as it is. Faults of FloorStore.
Result<void> make_floors(FloorStore& floors);

}  // namespace cotter::client
