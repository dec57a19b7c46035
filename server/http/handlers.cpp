#include "server/http/handlers.h"

#include <spdlog/spdlog.h>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "server/http/conditional.h"
#include "server/http/problem.h"

namespace cotter::http {
namespace {

Response refused(const char* what, const VehicleId& vehicle, const Error& error) {
  // Nobody's fault but the caller's is a warning; what fails on our side is an error.
  const bool ours = rejection_in(error) == nullptr && !is_fault(error, Fault::Kind::NotFound);
  spdlog::log(ours ? spdlog::level::err : spdlog::level::warn, "{} of {} refused: {}", what, vehicle.value(),
              summary(error));
  return problem(error);
}

/// No vehicle can be blamed for what we sign: a Rejection here is our failure.
Response not_served(const VehicleId& vehicle, const Error& error) {
  if (is_fault(error, Fault::Kind::NotFound)) {
    return problem(404, "not found", "there is no such vehicle, or it has no such file");
  }
  spdlog::error("metadata of {} cannot be served: {}", vehicle.value(), summary(error));
  const bool broken_rule = rejection_in(error) != nullptr;
  return problem(broken_rule ? Error(Fault{Fault::Kind::Io, summary(error), ""}) : error);
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
  if (!file) return not_served(vehicle, file.error());
  Response response;
  response.headers["ETag"] = '"' + to_hex(crypto::sha256(*file)) + '"';
  response.headers["Content-Type"] = "application/json";
  response.headers["Cache-Control"] = "private, no-cache";
  if (is_known(request, response)) {
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

Response post_time(const Request& request, app::TimeService& time) {
  auto attestation = time.attest(request.body);
  if (!attestation) {
    // A bad question is the caller's, and anybody's: not worth a line in the log for each.
    if (rejection_in(attestation.error()) == nullptr) {
      spdlog::error("no time attested: {}", summary(attestation.error()));
    }
    return problem(attestation.error());
  }
  Response response;
  response.headers["Content-Type"] = "application/json";
  response.headers["Cache-Control"] = "no-store";
  response.body = *std::move(attestation);
  return response;
}

}  // namespace cotter::http
