#include "server/http/router.h"

#include <filesystem>

#include "common/base/limits.h"
#include "common/model/file_names.h"
#include "server/http/handlers.h"
#include "server/http/problem.h"

namespace cotter::http {
namespace {

constexpr std::string_view kRepository = "/repo/";
constexpr std::string_view kDirector = "/director/";
constexpr std::string_view kByName = "/director/vehicles/";

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

Response text(std::string words) {
  Response response;
  response.headers["Content-Type"] = "text/plain";
  response.headers["Cache-Control"] = "no-store";
  response.body = to_bytes(words + "\n");
  return response;
}

}  // namespace

Router::Router(std::filesystem::path repo_dir, app::DirectorService* director, Access access)
    : files_(repo_dir), repo_dir_(std::move(repo_dir)), director_(director), access_(access) {}

std::uint64_t Router::max_body(Method method, std::string_view path) {
  const bool takes_one = (method == Method::Put && path.ends_with("/manifest")) ||
                         (method == Method::Post && path.ends_with("/ecus"));
  return takes_one && path.starts_with(kDirector) ? kMaxManifestBytes : 0;
}

Response Router::handle(const Request& request) const {
  const std::string_view path = request.path;
  if (path.starts_with(kRepository)) return repository(request, path.substr(kRepository.size()));
  if (path.starts_with(kDirector) && director_ != nullptr) {
    return director_by_caller(request, path.substr(kDirector.size()));
  }
  if (path == "/healthz") return reads(request.method) ? text("ok") : method_not_allowed("GET, HEAD");
  if (path == "/readyz") return reads(request.method) ? health() : method_not_allowed("GET, HEAD");
  return problem(404, "not found", "nothing is served under this path");
}

Response Router::repository(const Request& request, std::string_view path) const {
  if (!reads(request.method)) return method_not_allowed("GET, HEAD");
  if (!access_.public_repository && !request.caller) return certificate_needed();
  return files_.serve(request, path);
}

Response Router::director_by_caller(const Request& request, std::string_view rest) const {
  if (access_.vehicles_by_name && request.path.starts_with(kByName)) {
    rest = std::string_view(request.path).substr(kByName.size());
    const auto slash = rest.find('/');
    const auto vin = percent_decoded(rest.substr(0, slash));
    if (slash == std::string_view::npos || !vin) return problem(404, "not found", "no vehicle is named");
    return director(request, VehicleId(*vin), rest.substr(slash + 1));
  }
  if (!request.caller) return certificate_needed();
  return director(request, *request.caller, rest);
}

Response Router::director(const Request& request, const VehicleId& vehicle, std::string_view rest) const {
  if (rest == "manifest") {
    return request.method == Method::Put ? put_manifest(request, *director_, vehicle)
                                         : method_not_allowed("PUT");
  }
  if (rest == "ecus") {
    return request.method == Method::Post ? post_ecus(request, *director_, vehicle)
                                          : method_not_allowed("POST");
  }
  return reads(request.method) ? get_director_file(request, *director_, vehicle, rest)
                               : method_not_allowed("GET, HEAD");
}

Response Router::health() const {
  std::error_code error;
  if (!std::filesystem::exists(repo_dir_ / "timestamp.json", error)) {
    return problem(503, "not ready", "the image repository has no timestamp yet");
  }
  return text("ready");
}

}  // namespace cotter::http
