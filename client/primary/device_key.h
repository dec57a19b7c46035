// The key of the vehicle's TLS certificate, and the request for one. The key never leaves the vehicle.
// Never written but for its owner's eyes (0600). One thread.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/disk/disk.h"

namespace cotter::client {

/// Makes a P-256 key (`key_file`, PEM) and a request for a certificate with CN = `vehicle` (`csr_file`, PKCS
/// #10). Replaces neither. Faults: Conflict, Denied, NoSpace, Io.
Result<void> make_device_key(disk::Disk& disk, const VehicleId& vehicle, const std::string& key_file,
                             const std::string& csr_file);

}  // namespace cotter::client
