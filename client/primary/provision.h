// What the factory does to a primary: an ECU folder like any other, and beside it the key of its TLS
// certificate and primary.toml. Never overwrites a primary that is there already. One thread.
#pragma once

#include <filesystem>
#include <string>

#include "client/ecu/provision.h"

namespace cotter::client {

struct PrimaryOrder {
  EcuOrder ecu;
  std::string server;        ///< https://host:port, of a cotterd
  std::filesystem::path ca;  ///< whom the server's certificate must come from
};

/// Makes the folder, with tls/vehicle.key, tls/vehicle.csr and tls/ca.crt; all or nothing. What is still to
/// come: the certificate (tls/vehicle.crt), the vehicle's record (vehicle.json) and the secondaries'
/// addresses in primary.toml. Returns the primary's part of the vehicle record. Faults and Rejections of
/// provision_ecu().
Result<json::Object> provision_primary(disk::Disk& disk, PrimaryOrder order);

}  // namespace cotter::client
