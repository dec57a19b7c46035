// A cotterd of one's own to play attacks against: a workspace, the kit's two vehicles in its inventory, their
// certificates, and the program on a free loopback port. For the kit's test and its self-test. Never leaves a
// process behind. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tests/replay/server_run.h"
#include "tests/world/process.h"

namespace cotter::replay {

class ServerStand {
 public:
  /// Makes the workspace (some seconds) in `dir`, which is made too; `programs` is where cotter and cotterd
  /// lie.
  static Result<ServerStand> build(std::filesystem::path dir, std::filesystem::path programs);

  /// Records the two vehicles of a seed file, made if need be; over TLS, gives them certificates too.
  Result<ServerOptions> enroll(const std::string& vin, bool with_certificates);
  /// `cotter vehicle add`.
  Result<void> record(const inventory::VehicleRecord& record);
  /// Starts cotterd; its address.
  Result<std::string> start(bool plain, const std::map<std::string, std::string>& environment = {});
  /// SIGTERM; its exit code.
  int stop();
  /// Whether it still runs: an attack may have ended it.
  [[nodiscard]] bool running() { return server_ && server_->running(); }
  /// `cotter vehicle show VIN --json`.
  Result<json::Value> inventory(const std::string& vin);
  [[nodiscard]] std::filesystem::path log() const { return dir_ / "cotterd.log"; }

 private:
  ServerStand(std::filesystem::path dir, std::filesystem::path programs)
      : dir_(std::move(dir)), programs_(std::move(programs)) {}
  [[nodiscard]] world::Command command(const char* program, std::vector<std::string> arguments) const;
  [[nodiscard]] std::filesystem::path workspace() const { return dir_ / "workspace"; }
  [[nodiscard]] Result<void> hasten() const;
  Result<Credentials> certify(const VehicleId& vin);

  std::filesystem::path dir_;
  std::filesystem::path programs_;
  std::optional<world::Daemon> server_;
};

}  // namespace cotter::replay
