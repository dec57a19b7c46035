// A vehicle's TLS certificate, and what the ledger says of it.
// Never for a vehicle that the inventory does not know. One thread.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/secret.h"
#include "common/host/sqlite.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// keys::issue_device_certificate(), recorded before anybody sees it: until when it is good is known from
/// there alone. Faults: NotFound (the vehicle), those of issuing, Busy, NoSpace.
Result<std::string> issue_certificate(host::Db& db, const Workspace& workspace,
                                      const crypto::Secret& passphrase, const VehicleId& vin,
                                      std::string_view csr_pem, UtcTime now);

}  // namespace cotter::app
