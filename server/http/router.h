// Which request goes where: the HTTP contract, in one table.
// Never lets a vehicle name itself: who calls is who its client certificate says. Safe on any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "server/app/director_service.h"
#include "server/http/message.h"
#include "server/http/static_files.h"

namespace cotter::http {

/// Who may do what on this listener.
struct Access {
  bool public_repository = false;  ///< /repo/ without a client certificate
  /// A loopback listener without TLS, for development: /director/vehicles/VIN/… names the vehicle.
  bool vehicles_by_name = false;
};

class Router {
 public:
  /// `director` may be nullptr: the image role alone, with no key and no database. It must outlive the
  /// router.
  Router(std::filesystem::path repo_dir, app::DirectorService* director, Access access);

  [[nodiscard]] Response handle(const Request& request) const;
  /// How many bytes of body this request may have; 0: none. Asked before any is read.
  [[nodiscard]] static std::uint64_t max_body(Method method, std::string_view path);

 private:
  [[nodiscard]] Response repository(const Request& request, std::string_view path) const;
  [[nodiscard]] Response director(const Request& request, const VehicleId& vehicle,
                                  std::string_view rest) const;
  [[nodiscard]] Response director_by_caller(const Request& request, std::string_view rest) const;
  [[nodiscard]] Response health() const;

  StaticFiles files_;
  std::filesystem::path repo_dir_;
  app::DirectorService* director_;
  Access access_;
};

}  // namespace cotter::http
