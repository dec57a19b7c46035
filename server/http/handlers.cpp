#include "server/http/handlers.h"

#include <spdlog/spdlog.h>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "server/http/problem.h"

namespace cotter::http {
namespace {

Response refused(const char* what, const VehicleId& vehicle, const Error& error) {
  spdlog::warn("{} of {} refused: {}", what, vehicle.value(), summary(error));
  return problem(error);
}

json::Array serials(const std::vector<EcuSerial>& ecus) {
  json::Array array;
  for (const EcuSerial& ecu : ecus) array.emplace_back(ecu.value());
  return array;
}

Response json_response(json::Object object) {
  Response response;
  response.headers["Content-Type"] = "application/json";
  response.headers["Cache-Control"] = "no-store";
  response.body = to_bytes(json::to_text(std::move(object)));
  return response;
}

}  // namespace

Response get_director_file(const Request& request, app::DirectorService& director, const VehicleId& vehicle,
                           std::string_view file_name) {
  auto file = director.metadata(vehicle, file_name);
  if (!file) {
    if (is_fault(file.error(), Fault::Kind::NotFound))
      return problem(404, "not found", "this vehicle has no such file");
    return refused("metadata", vehicle, file.error());
  }
  Response response;
  const std::string tag = '"' + to_hex(crypto::sha256(*file)) + '"';
  response.headers["ETag"] = tag;
  response.headers["Content-Type"] = "application/json";
  response.headers["Cache-Control"] = "private, no-cache";
  const auto known = request.headers.find("if-none-match");
  if (known != request.headers.end() && known->second == tag) {
    response.status = 304;
    return response;
  }
  response.body = std::move(*file);
  return response;
}

Response put_manifest(const Request& request, app::DirectorService& director, const VehicleId& vehicle) {
  const auto receipt = director.accept_manifest(vehicle, request.body);
  if (!receipt) return refused("manifest", vehicle, receipt.error());
  for (const EcuSerial& ecu : receipt->attacked)
    spdlog::warn("{} of {} detected an attack", ecu.value(), vehicle.value());
  for (const EcuSerial& ecu : receipt->quarantined) {
    spdlog::warn("{} of {} runs an image that nobody gave it", ecu.value(), vehicle.value());
  }
  spdlog::info("manifest of {}: {} fresh, {} confirmed, {} missing", vehicle.value(), receipt->fresh.size(),
               receipt->confirmed.size(), receipt->missing.size());
  return json_response({{"fresh", serials(receipt->fresh)},
                        {"stale", serials(receipt->stale)},
                        {"missing", serials(receipt->missing)},
                        {"confirmed", serials(receipt->confirmed)}});
}

Response post_ecus(const Request& request, app::DirectorService& director, const VehicleId& vehicle) {
  const auto receipt = director.confirm_ecus(vehicle, request.body);
  if (!receipt) return refused("ECU list", vehicle, receipt.error());
  if (!receipt->pending.empty()) {
    spdlog::warn("{} announces {} ECUs that the factory did not record so", vehicle.value(),
                 receipt->pending.size());
  }
  return json_response({{"confirmed", serials(receipt->confirmed)}, {"pending", serials(receipt->pending)}});
}

}  // namespace cotter::http
