// Our own vehicle behind the attack kit's contract (docs/attack-kit.md): a real cotter-primary with real
// cotter-secondary processes in one folder. An adapter such as anybody would write: never more than the
// contract asks for. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "client/ecu/provision.h"
#include "common/base/result.h"
#include "common/json/value.h"
#include "tests/world/process.h"

namespace cotter::replay {

class OwnVehicle {
 public:
  /// Reads DIR/vehicle.json. `programs`: where cotter-primary and cotter-secondary lie.
  static Result<OwnVehicle> open(const std::filesystem::path& dir, std::filesystem::path programs);

  Result<void> init();
  /// One cycle: the exit code of cotter-primary, whose words go to our stdout.
  Result<int> update();
  Result<json::Object> state();
  /// Opens an ECU's socket, says where, and serves until we are told to end.
  Result<void> bus(const std::string& serial);
  /// Turns a stored file of the primary's into rubbish: "image/timestamp".
  Result<void> damage(const std::string& file);
  /// Changes a byte of what an ECU has staged and does not run yet.
  Result<void> alter_slot(const std::string& serial);

 private:
  struct Ecu {
    client::EcuOrder order;
    bool primary = false;
  };
  OwnVehicle(std::filesystem::path dir, std::filesystem::path programs)
      : dir_(std::move(dir)), programs_(std::move(programs)) {}
  Result<void> read();
  [[nodiscard]] std::filesystem::path database() const { return ecu_dir(primary_) / "primary/primary.db"; }
  [[nodiscard]] std::filesystem::path ecu_dir(const std::string& serial) const {
    return dir_ / "ecus" / serial;
  }
  /// A secondary's program, and where it listens.
  Result<std::pair<world::Daemon, std::string>> start(const std::string& serial) const;
  Result<void> write_config(const std::map<std::string, std::string>& addresses) const;

  std::filesystem::path dir_;
  std::filesystem::path programs_;
  std::string vin_, primary_;
  std::map<std::string, std::string> urls_;
  std::vector<Ecu> ecus_;
};

}  // namespace cotter::replay
