// A secondary's ecu.toml, and the folder it stands in.
// Never holds a secret: the ECU's key is a file of its own. Values only.
#pragma once

#include <filesystem>

#include "client/ecu/floors.h"
#include "client/links/tcp_link.h"
#include "client/secondary/intake.h"
#include "client/secondary/serve.h"
#include "common/base/result.h"

namespace cotter::client {

struct EcuConfig {
  std::filesystem::path dir;  ///< where ecu.toml lies, and all else of this ECU
  EcuIdentity identity;       ///< its roots read from the folder
  TcpAddress listen;
  ServeLimits limits;
  FloorPlace floors;
};

/// Faults: NotFound, Denied, Io; Usage (naming line and key).
Result<EcuConfig> read_ecu_config(const std::filesystem::path& file);

/// "full", "partial". Fault: Usage.
Result<Verification> verification_named(const std::string& name);

}  // namespace cotter::client
