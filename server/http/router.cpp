#include "server/http/router.h"

#include <filesystem>

#include "common/base/limits.h"
#include "common/model/file_names.h"
#include "common/model/time_attestation.h"
#include "server/http/handlers.h"
#include "server/http/problem.h"
#include "server/http/static_files.h"

namespace cotter::http {
namespace {

constexpr std::string_view kRepository = "/repo/";
constexpr std::string_view kRepositoryByToken = "/api/v1/repo/";  // for suppliers, who have no certificate
constexpr std::string_view kDirector = "/director/";
constexpr std::string_view kByName = "vehicles/";  // below kDirector
constexpr std::string_view kManifest = "manifest";
constexpr std::string_view kEcus = "ecus";
constexpr std::string_view kTime = "/time";

bool reads(Method method) { return method == Method::Get || method == Method::Head; }

Response method_not_allowed(const char* allowed) {
  Response response = problem(405, "method not allowed", std::string("this takes ") + allowed);
  response.headers["Allow"] = allowed;
  return response;
}

Response certificate_needed() {
  return problem(401, "client certificate needed",
                 "call with the certificate that this vehicle was given at the factory");
}

Response text(const std::string& words) {
  Response response;
  response.headers["Content-Type"] = "text/plain";
  response.headers["Cache-Control"] = "no-store";
  response.body = to_bytes(words + "\n");
  return response;
}

}  // namespace

Router::Router(std::optional<std::filesystem::path> repo_dir, app::DirectorService* director, Access access,
               app::TimeService* time, app::OperationsService* operations)
    : repo_dir_(std::move(repo_dir)),
      director_(director),
      time_(time),
      access_(access),
      writes_(std::make_unique<RateLimiter>(access.writes)),
      reads_(std::make_unique<RateLimiter>(access.reads)) {
  if (operations != nullptr) operations_.emplace(*operations, access.failures);
}

void Router::identify(Request& head) const {
  if (operations_) operations_->identify(head);
}

bool Router::bears_token(const Request& head) const {
  return operations_ && head.path.starts_with(kOperations) && OperationsDoor::bears_token(head);
}

bool Router::is_for_operations(const Request& request) {
  return request.bearer && request.path.starts_with(kOperations) &&
         !request.path.starts_with(kRepositoryByToken);
}

std::optional<Response> Router::too_soon(const Request& head, RateLimiter::Instant now) const {
  if (!head.path.starts_with(kDirector) || director_ == nullptr) return std::nullopt;
  const auto call = director_call(head);
  if (!call) return std::nullopt;
  const auto wait = (reads(head.method) ? *reads_ : *writes_).take(call->vehicle.value(), now);
  if (!wait) return std::nullopt;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
  Response response = problem(429, "too many requests", "this vehicle calls too often; see Retry-After");
  response.headers["Retry-After"] = std::to_string(seconds);
  return response;
}

Response Router::handle(const Request& request) const {
  const std::string_view path = request.path;
  if (path.starts_with(kRepository) && repo_dir_) return repository(request, path.substr(kRepository.size()));
  if (path.starts_with(kDirector) && director_ != nullptr) return director(request);
  if (operations_ && repo_dir_ && request.bearer && path.starts_with(kRepositoryByToken)) {
    if (!reads(request.method)) return method_not_allowed("GET, HEAD");
    return StaticFiles(*repo_dir_).serve(request, path.substr(kRepositoryByToken.size()));
  }
  if (operations_ && path.starts_with(kOperations)) return operations_->handle(request);
  // Anybody may ask what time it is: the answer is signed, and holds nothing but what was asked.
  if (path == kTime && time_ != nullptr) {
    return request.method == Method::Post ? post_time(request, *time_) : method_not_allowed("POST");
  }
  if (path == "/healthz") return reads(request.method) ? text("ok") : method_not_allowed("GET, HEAD");
  if (path == "/readyz") return reads(request.method) ? readiness() : method_not_allowed("GET, HEAD");
  return problem(404, "not found", "nothing is served under this path");
}

std::uint64_t Router::max_body(const Request& head) const {
  if (head.path == kTime) {
    return time_ != nullptr && head.method == Method::Post ? model::kMaxTimeRequestBytes : 0;
  }
  if (operations_ && head.path.starts_with(kOperations)) return operations_->max_body(head);
  if (!head.path.starts_with(kDirector) || director_ == nullptr) return 0;
  const auto call = director_call(head);
  if (!call) return 0;
  const bool takes_one = (head.method == Method::Put && call->rest == kManifest) ||
                         (head.method == Method::Post && call->rest == kEcus);
  return takes_one ? kMaxManifestBytes : 0;
}

bool Router::may_block(const Request& request) {
  return request.path.starts_with(kDirector) || request.path == kTime || is_for_operations(request);
}

Response Router::repository(const Request& request, std::string_view path) const {
  if (!access_.public_repository && !request.caller) return certificate_needed();
  if (!reads(request.method)) return method_not_allowed("GET, HEAD");
  return StaticFiles(*repo_dir_).serve(request, path);
}

std::optional<Router::DirectorCall> Router::director_call(const Request& request) const {
  std::string_view rest = std::string_view(request.path).substr(kDirector.size());
  if (access_.vehicles_by_name && rest.starts_with(kByName)) {
    rest.remove_prefix(kByName.size());
    const auto slash = rest.find('/');
    auto vin = percent_decoded(rest.substr(0, slash));
    if (slash == std::string_view::npos || !vin || !model::is_identifier(*vin)) return std::nullopt;
    return DirectorCall{VehicleId(*std::move(vin)), rest.substr(slash + 1)};
  }
  if (!request.caller) return std::nullopt;
  return DirectorCall{*request.caller, rest};
}

Response Router::director(const Request& request) const {
  const auto call = director_call(request);
  if (!call && access_.vehicles_by_name)
    return problem(404, "not found", "name the vehicle: /director/vehicles/VIN/…");
  if (!call) return certificate_needed();
  if (call->rest == kManifest) {
    return request.method == Method::Put ? put_manifest(request, *director_, call->vehicle)
                                         : method_not_allowed("PUT");
  }
  if (call->rest == kEcus) {
    return request.method == Method::Post ? post_ecus(request, *director_, call->vehicle)
                                          : method_not_allowed("POST");
  }
  return reads(request.method) ? get_director_file(request, *director_, call->vehicle, call->rest)
                               : method_not_allowed("GET, HEAD");
}

Response Router::readiness() const {
  std::error_code error;
  if (repo_dir_ && !std::filesystem::exists(*repo_dir_ / "timestamp.json", error)) {
    return problem(503, "not ready", "the image repository has no timestamp yet");
  }
  return text("ready");
}

}  // namespace cotter::http
