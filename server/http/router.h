// Which request goes where: the HTTP contract, in one table.
// Never lets a vehicle name itself: who calls is who its client certificate says. Safe on any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "server/app/director_service.h"
#include "server/http/message.h"

namespace cotter::http {

/// Who may do what on this listener.
struct Access {
  bool public_repository = false;  ///< /repo/ without a client certificate
  /// A loopback listener without TLS, for development: /director/vehicles/VIN/… names the vehicle.
  bool vehicles_by_name = false;
};

class Router {
 public:
  /// Without `repo_dir`: the director role alone. `director` may be nullptr: the image role alone, with no
  /// key and no database; else it must outlive the router.
  Router(std::optional<std::filesystem::path> repo_dir, app::DirectorService* director, Access access);

  [[nodiscard]] Response handle(const Request& request) const;
  /// How many bytes of body to read for a request of this head; 0: none, handle() answers without. What a
  /// stranger sends is not even read.
  [[nodiscard]] std::uint64_t max_body(const Request& head) const;

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
  Access access_;
};

}  // namespace cotter::http
