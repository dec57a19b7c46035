// What a primary is told at the factory: its vehicle, its servers, where its ECUs answer. primary.toml, read
// once at start. Never holds a secret, only the paths of files that do. A plain value.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/ecu/floors.h"
#include "client/fetch/curl_session.h"
#include "client/links/tcp_link.h"
#include "client/primary/update_cycle.h"
#include "common/base/result.h"

namespace cotter::client {

struct PrimaryConfig {
  VehicleIdentity identity;
  std::filesystem::path record;     ///< vehicle.json: the ECUs as the factory recorded them
  std::filesystem::path own_ecu;    ///< the primary's own ECU folder
  std::filesystem::path state_dir;  ///< primary.db and images
  std::string director_url;
  std::string image_url;
  std::string image_target_url;
  std::string time_url;  ///< unless it says otherwise: /time on the director's server
  std::optional<CurlSession::TlsFiles> tls;
  std::map<EcuSerial, TcpAddress> addresses;  ///< of the secondaries
  std::chrono::seconds poll_every{300};
  FloorPlace floors;
  CycleOptions cycle;

  /// Faults: NotFound, Usage (names file, line and key).
  static Result<PrimaryConfig> read(const std::filesystem::path& file);
};

/// The ECUs of a vehicle record (`vehicle.json`): what `cotter vehicle add` takes too. Checks that the record
/// is of this vehicle and holds this primary. Rejections: json-*, member-*, key-*. Faults: NotFound, Usage.
Result<std::vector<KnownEcu>> read_vehicle_record(const std::filesystem::path& file,
                                                  const VehicleIdentity& identity);

}  // namespace cotter::client
