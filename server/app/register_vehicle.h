// Bringing vehicles into the inventory, and confirming what they say of themselves.
// Never accepts a key from a vehicle: keys come from the factory's record (no trust on first use; DIR-14). As
// Db: one thread at a time.
#pragma once

#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/inventory/vehicle.h"

namespace cotter::app {

/// 100 ECUs with RSA keys and two hashes an image take about 150 kB.
inline constexpr std::size_t kMaxVehicleRecordBytes = std::size_t{1024} * 1024;
inline constexpr std::size_t kMaxRegistrationBytes = std::size_t{256} * 1024;

/// Records a vehicle as the factory describes it: the JSON of inventory::VehicleRecord. Rejections:
/// file-too-large, json-*, and those of VehicleRecord::decode. Faults: Denied (not one primary; a vehicle,
/// serial or key that is recorded already; DIR-12), NoSpace, Busy, Io.
Result<inventory::VehicleRecord> register_vehicle(host::Db& db, ByteView document, UtcTime now);

/// The same of a record that was read already, in a transaction of the caller's; `sha256` is of what it was
/// read from, for the ledger. Faults: as above.
Result<void> register_record(host::Db& db, const inventory::VehicleRecord& record, const Bytes& sha256,
                             UtcTime now);

/// What became of a vehicle's ECU list (FMT-85).
struct RegistrationReceipt {
  std::vector<EcuSerial> confirmed;  ///< as the factory recorded them
  std::vector<EcuSerial>
      pending;  ///< anything else: recorded for a person to decide, never accepted (DIR-14)
};

/// Compares a vehicle's ECU list with the inventory. An ECU whose vehicle, hardware id or key is another than
/// recorded is kept as pending and noted as a sign of attack (ATK-45). Rejections: file-too-large, json-*,
/// member-*, key-*; manifest-primary-wrong. Faults: NotFound (unknown vehicle), NoSpace, Busy, Io.
Result<RegistrationReceipt> confirm_ecus(host::Db& db, const VehicleId& caller, ByteView body, UtcTime now);

}  // namespace cotter::app
