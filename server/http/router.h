// Which request goes where: the HTTP contract, in one table.
// Never lets a vehicle name itself: who calls is who its client certificate says. Safe on any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "server/app/director_service.h"
#include "server/app/time_service.h"
#include "server/http/message.h"
#include "server/http/operations.h"
#include "server/http/rate_limit.h"

namespace cotter::http {

/// Who may do what on this listener.
struct Access {
  bool public_repository = false;  ///< /repo/ without a client certificate
  /// A loopback listener without TLS, for development: /director/vehicles/VIN/… names the vehicle.
  bool vehicles_by_name = false;
  /// Of each vehicle under /director/, so that none holds up the others (ATK-50). An honest cycle writes
  /// twice and reads a dozen files, but for a vehicle that slept through hundreds of roots.
  Rate writes{300, 12};
  Rate reads{600, 600};
  /// Of each address that comes to /api/ without a good token.
  Rate failures{10, 10};
};

class Router {
 public:
  /// Without `repo_dir` no repository is served; `director`, `time` and `operations` may be nullptr, and must
  /// outlive the router else. The image role alone has no key and no database, the time role one key and no
  /// database.
  Router(std::optional<std::filesystem::path> repo_dir, app::DirectorService* director, Access access,
         app::TimeService* time = nullptr, app::OperationsService* operations = nullptr);

  /// Whether the caller may ask at all so soon: a 429 with Retry-After if not. To be asked once for each
  /// request, before its body is read and before handle(): it costs nobody but the caller.
  [[nodiscard]] std::optional<Response> too_soon(const Request& head, RateLimiter::Instant now) const;
  [[nodiscard]] Response handle(const Request& request) const;
  /// How many bytes of body to read for a request of this head; 0: none, handle() answers without. What a
  /// stranger sends is not even read.
  [[nodiscard]] std::uint64_t max_body(const Request& head) const;
  /// Whether a text that may be a token comes with a request of the operations API.
  [[nodiscard]] bool bears_token(const Request& head) const;
  /// To be asked before max_body(), where bears_token(): whose token it is. May block.
  void identify(Request& head) const;
  /// Such requests have a bearer, and a thread of their own: who uploads must not hold up a vehicle.
  [[nodiscard]] static bool is_for_operations(const Request& request);
  /// Whether handle() may wait for a signer or the disk: not for the thread that serves all others.
  [[nodiscard]] static bool may_block(const Request& request);

 private:
  /// For which vehicle a request under /director/ is, and what it asks for.
  struct DirectorCall {
    VehicleId vehicle;
    std::string_view rest;
  };
  [[nodiscard]] std::optional<DirectorCall> director_call(const Request& request) const;
  [[nodiscard]] Response director(const Request& request) const;
  [[nodiscard]] Response repository(const Request& request, std::string_view path) const;
  [[nodiscard]] Response readiness() const;

  std::optional<std::filesystem::path> repo_dir_;
  app::DirectorService* director_;
  app::TimeService* time_;
  std::optional<OperationsDoor> operations_;
  Access access_;
  std::unique_ptr<RateLimiter> writes_;
  std::unique_ptr<RateLimiter> reads_;
};

}  // namespace cotter::http
