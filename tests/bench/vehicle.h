// A workspace, its server and a vehicle of one ECU that has an update waiting, put back to that state as
// often as a bench likes. Never touches anything outside its folder. One thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "tests/bench/benches.h"
#include "tests/bench/measure.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/world.h"

namespace cotter::bench {

/// In a file, each first word becomes the second, wherever it stands. Faults: NotFound, Denied, NoSpace, Io.
Result<void> replace_in(const std::filesystem::path& file,
                        const std::vector<std::pair<std::string, std::string>>& changes);

class WaitingVehicle {
 public:
  /// An image of so many bytes is published and assigned; nothing runs yet.
  static Result<std::unique_ptr<WaitingVehicle>> make(const Places& places, std::uint64_t image_bytes);

  /// As it was made: the primary has never talked to its server, which runs.
  Result<void> begin_anew();
  /// The same over plain HTTP, where a trace shows the requests. Returns the server's port.
  Result<int> begin_anew_in_plain();

  /// One cycle of a started primary, or its command with more words.
  [[nodiscard]] world::Command once() const;
  [[nodiscard]] world::Command polling() const;  ///< every second, a line each
  [[nodiscard]] std::filesystem::path primary_dir() const { return world_.ecu_dir(world_.primary()); }
  [[nodiscard]] const std::filesystem::path& scratch() const { return dir_.path(); }
  [[nodiscard]] std::filesystem::path image() const { return dir_.path() / "after.bin"; }
  /// Where the image repository serves it.
  [[nodiscard]] Result<std::string> image_url() const;
  [[nodiscard]] std::string server_url() const { return world_.server_url(); }
  /// What runs is the update.
  Result<void> check_updated();

 private:
  WaitingVehicle(const Places& places, std::uint64_t image_bytes);
  Result<void> restore();
  sim::TempDir dir_;
  world::World world_;
  std::optional<world::Daemon> plain_;
};

}  // namespace cotter::bench
