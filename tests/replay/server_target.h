// The server under attack, and who the kit is towards it: one request and what came back. Never retries but
// where the server says when to come back. Safe on any thread, but for the two vehicles: see Turn.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/replay/server_line.h"
#include "tests/replay/server_vehicle.h"

namespace cotter::replay {

/// What `cotter-replay run --server` was told.
struct ServerOptions {
  std::string url;                        ///< https: by certificates; http: vehicles named in the path
  std::filesystem::path seed_file;        ///< of the kit's vehicles; made where there is none
  std::string vin = "REPLAY-1";           ///< and VIN-NEIGHBOUR; both recorded in the inventory beforehand
  Credentials vehicle;                    ///< of the hostile vehicle, over TLS
  Credentials neighbour;                  ///< of the honest one
  std::chrono::seconds patience{60};      ///< for the server to end a connection that comes to nothing
  std::chrono::seconds others_within{5};  ///< for an honest vehicle to be served while an attack goes on
};

enum class Who : std::uint8_t { Vehicle, Neighbour, Nobody };

struct Ask {
  Who who = Who::Vehicle;
  std::string method = "GET";
  std::string path;  ///< whole, as it goes onto the wire
  std::vector<std::string> headers{};
  std::optional<Bytes> body{};
};

class Target {
 public:
  /// Faults: Usage (the address), those of Identity::open.
  static Result<std::unique_ptr<Target>> create(const ServerOptions& options);

  [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
  [[nodiscard]] const ServerAddress& address() const noexcept { return address_; }
  [[nodiscard]] bool by_name() const noexcept { return !address_.tls; }

  /// Status 0: no whole answer within 20 s.
  [[nodiscard]] HttpReply ask(const Ask& what) const;
  /// ask(), and again when the server says "later" (429, or 503 with Retry-After), for at most a minute.
  [[nodiscard]] HttpReply ask_patiently(const Ask& what) const;
  [[nodiscard]] Result<std::unique_ptr<Line>> line(Who who) const;
  /// TCP alone, whatever the server speaks.
  [[nodiscard]] Result<std::unique_ptr<Line>> bare_line() const;

  [[nodiscard]] std::string director(Who who) const;  ///< "/director/", "/director/vehicles/VIN/"
  /// {director}, {neighbour}, {repo}, {host}, {vin} and {neighbours-vin} in a step's text.
  [[nodiscard]] std::string filled(std::string text) const;
  [[nodiscard]] Ask put_manifest(Who who, Bytes body) const;
  [[nodiscard]] Ask post_ecus(Bytes body) const;
  /// A step in this run's names: VIN-1 and VIN-2, GATEWAY, BRAKE and DOOR, VIN-2/BRAKE.
  [[nodiscard]] json::Value localised(const json::Value& step) const;

  /// The hostile vehicle's or the neighbour's voice, for as long as the value lives.
  struct Turn {
    std::unique_lock<std::mutex> lock;
    SpokenVehicle* vehicle;
  };
  Turn speak(Who who);

  /// What the director wants of the vehicle, as its metadata of now says. Empty: it is not served, whole.
  [[nodiscard]] std::string assigned(Who who) const;

 private:
  Target(ServerOptions options, ServerAddress address, Identity identity);
  [[nodiscard]] const Credentials* credentials(Who who) const;
  [[nodiscard]] std::optional<json::Value> file(Who who, const std::string& name) const;
  [[nodiscard]] std::string localised_text(const std::string& text) const;

  ServerOptions options_;
  ServerAddress address_;
  Identity identity_;
  std::mutex vehicle_guard_, neighbour_guard_;
  SpokenVehicle vehicle_, neighbour_;
};

}  // namespace cotter::replay
