// A whole Cotter on loopback, made of the real programs: workspace, server, one vehicle with its ECUs. The
// demo tells its story with it, and the tests of whole programs attack it. Never leaves a process behind. One
// thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/json/value.h"
#include "tests/world/process.h"

namespace cotter::world {

/// One ECU of the vehicle, and the two builds of its firmware.
struct EcuPlan {
  std::string serial;
  std::string hardware_id;
  std::string team;  ///< images are named TEAM/SERIAL'S ECU/FILE
  bool primary = false;
  bool partial = false;
  bool spare_slot = true;
  std::filesystem::path before;  ///< what the factory put in
  std::filesystem::path after;   ///< the update

  /// TEAM/ECU/FILE.ext, as published.
  [[nodiscard]] std::string image_name(const std::filesystem::path& file) const;
};

/// The six ECUs of the demo: two real builds for each, out of one Debian package.
std::vector<EcuPlan> demo_vehicle();

class World {
 public:
  /// `dir` is made; `programs` is where the built programs lie.
  World(std::filesystem::path dir, std::filesystem::path programs, std::vector<EcuPlan> ecus);

  // The steps of an update's life, in this order. Faults quote the program that failed.
  /// With more options of `cotter init`. `pins`: a file with a PIN in each line, for holders on tokens: all
  /// that cotter and cotter-sign are asked to do from then on may read it.
  Result<void> make_workspace(std::vector<std::string> init_options = {},
                              const std::filesystem::path& pins = {});
  /// With more options of `cotterd`.
  Result<void> start_server(std::vector<std::string> options = {});
  Result<void> build_vehicle();  ///< provisions every ECU, then records the vehicle in the inventory
  Result<void> start_secondaries();
  /// Publishes one build of an ECU with two of the three holders' signatures.
  Result<void> publish(const EcuPlan& ecu, const std::filesystem::path& file, int release_counter);
  Result<void> assign(const EcuPlan& ecu, const std::filesystem::path& file);
  /// One cycle of the primary: its exit code, and what it said as JSON.
  Result<std::pair<int, json::Value>> run_primary();

  /// `cotter vehicle show --json`.
  Result<json::Value> inventory();
  /// SHA-256, in hex, of what lies in the ECU's active slot.
  Result<std::string> active_sha256(const EcuPlan& ecu);

  Result<void> restart_server();  ///< with the same options
  void stop();

  [[nodiscard]] const std::vector<EcuPlan>& ecus() const noexcept { return ecus_; }
  [[nodiscard]] const EcuPlan& primary() const;
  [[nodiscard]] const std::string& vin() const noexcept { return vin_; }
  [[nodiscard]] std::filesystem::path workspace() const { return dir_ / "workspace"; }
  [[nodiscard]] std::filesystem::path holders() const { return dir_ / "holders"; }
  [[nodiscard]] std::filesystem::path ecu_dir(const EcuPlan& ecu) const {
    return dir_ / "vehicle" / ecu.serial;
  }
  [[nodiscard]] std::string server_url() const { return "https://127.0.0.1:" + std::to_string(server_port_); }
  [[nodiscard]] std::filesystem::path program(const char* name) const { return programs_ / name; }
  /// How a person repeats a command of this world by hand: with its passphrases.
  [[nodiscard]] const std::map<std::string, std::string>& environment() const noexcept {
    return environment_;
  }
  /// A command with this world's passphrases and log.
  [[nodiscard]] Command command(const char* program, std::vector<std::string> arguments) const;
  Daemon& server() { return *server_; }
  Daemon& secondary(const std::string& serial) { return secondaries_.at(serial); }
  Result<void> start_secondary(const EcuPlan& ecu);

 private:
  Result<json::Value> provision(const EcuPlan& ecu);
  Result<void> certify_vehicle();
  Result<void> add_links();

  std::filesystem::path dir_;
  std::filesystem::path programs_;
  std::vector<EcuPlan> ecus_;
  std::string vin_ = "COTTER0DEMO000001";
  std::map<std::string, std::string> environment_;
  std::filesystem::path pins_;
  int server_port_ = 0;
  std::vector<std::string> server_options_;
  std::map<std::string, int> ecu_ports_;
  std::optional<Daemon> server_;
  std::map<std::string, Daemon> secondaries_;
};

}  // namespace cotter::world
