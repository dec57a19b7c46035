// What a vehicle may ask of its director and of the time source, a handler each: decode, one call of the app,
// encode. Never more than that. Safe on any thread.
#pragma once

#include <string_view>

#include "server/app/director_service.h"
#include "server/app/time_service.h"
#include "server/http/message.h"

namespace cotter::http {

/// GET or HEAD of a metadata file of this vehicle, with an ETag.
Response get_director_file(const Request& request, app::DirectorService& director, const VehicleId& vehicle,
                           std::string_view file_name);
/// PUT /director/manifest
Response put_manifest(const Request& request, app::DirectorService& director, const VehicleId& vehicle);
/// POST /time
Response post_time(const Request& request, app::TimeService& time);
/// POST /director/ecus
Response post_ecus(const Request& request, app::DirectorService& director, const VehicleId& vehicle);

}  // namespace cotter::http
