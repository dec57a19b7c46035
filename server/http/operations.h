// The operations API's door, /api/v1/: whose token comes with a request, and what its bearer may ask for.
// Never lets a token into an answer or a log line, never reads a stranger's body, never is open without TLS.
// Safe on any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "server/app/operations_service.h"
#include "server/http/message.h"
#include "server/http/rate_limit.h"

namespace cotter::http {

inline constexpr std::string_view kOperations = "/api/";

class OperationsDoor {
 public:
  /// `service` must outlive the door. `failures`: how often an address may come without a good token before
  /// it hears only that it is too often; who has one is let in all the same.
  OperationsDoor(app::OperationsService& service, Rate failures)
      : service_(&service), failures_(std::make_unique<RateLimiter>(failures)) {}

  /// Whether it has the form of a token: who has none need not be looked up.
  [[nodiscard]] static bool bears_token(const Request& head);
  /// Finds out whose token it is: may block, before the body is read.
  void identify(Request& head) const;
  /// How many bytes of body to read, for a request that was identified; 0: none.
  [[nodiscard]] std::uint64_t max_body(const Request& head) const;
  /// May block, but not without a bearer.
  [[nodiscard]] Response handle(const Request& request) const;

 private:
  [[nodiscard]] Response stranger(const Request& request) const;
  app::OperationsService* service_;
  std::unique_ptr<RateLimiter> failures_;
};

}  // namespace cotter::http
