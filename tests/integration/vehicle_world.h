// One small vehicle of real processes, made once for a test program: a primary, a full secondary, and a
// partial one with a single slot. Every case leaves it as it should be: nothing pending that is refused.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "common/host/atomic_file.h"
#include "common/json/object_view.h"
#include "tests/world/adversary.h"
#include "tests/world/world.h"

namespace cotter::world {

namespace fs = std::filesystem;

/// What a call gives, or the end of the test program with its error.
template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << explain(result.error());
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// How a cycle of the primary ended: its exit code, and the rule that stopped it.
struct Cycle {
  int exit_code = 0;
  std::string rule;
  std::string attack;
};

class VehicleWorld {
 public:
  /// The one world of this program; made at the first call.
  static VehicleWorld& get() {
    static VehicleWorld world;
    return world;
  }
  ~VehicleWorld() {
    world_->stop();
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
  World& world() { return *world_; }
  const EcuPlan& gateway() { return world_->ecus()[0]; }
  const EcuPlan& adas() { return world_->ecus()[1]; }   ///< verifies fully
  const EcuPlan& brake() { return world_->ecus()[2]; }  ///< verifies partially, one slot
  fs::path repo() { return world_->workspace() / "repo"; }
  RogueDirector rogue() { return {world_->workspace(), world_->environment().at("COTTER_PASSPHRASE")}; }
  VehicleId vin() { return VehicleId(world_->vin()); }

  /// A new image of `size` bytes, unlike any before, published for this ECU with the next release counter.
  fs::path publish_next(const EcuPlan& ecu, std::size_t size) {
    fs::path file = dir_ / ("build-" + std::to_string(++counter_) + ".bin");
    Bytes bytes(size);
    std::uint32_t state = counter_;
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24U);
    must(host::write_atomically(file, bytes));
    must(world_->publish(ecu, file, static_cast<int>(counter_)));
    return file;
  }
  Cycle cycle() {
    const auto [exit_code, said] = must(world_->run_primary());
    Cycle cycle{exit_code, "", ""};
    const auto view = must(json::ObjectView::of(said, "cycle"));
    if (view.find("stopped") == nullptr) return cycle;
    const auto stopped = must(view.object("stopped"));
    if (stopped.find("rule") != nullptr) {
      cycle.rule = must(stopped.string("rule"));
      cycle.attack = must(stopped.string("attack"));
    }
    return cycle;
  }
  std::string active(const EcuPlan& ecu) { return must(world_->active_sha256(ecu)); }

 private:
  VehicleWorld() {
    std::string name = (fs::temp_directory_path() / "cotter-vehicle-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    dir_ = name;
    const auto plans = demo_vehicle();
    world_ = std::make_unique<World>(dir_ / "world", COTTER_PROGRAMS,
                                     std::vector<EcuPlan>{plans.at(0), plans.at(2), plans.at(5)});
    must(world_->make_workspace());
    must(world_->start_server());
    must(world_->build_vehicle());
    must(world_->start_secondaries());
    for (const EcuPlan& ecu : world_->ecus()) must(world_->publish(ecu, ecu.before, 1));
  }
  fs::path dir_;
  std::unique_ptr<World> world_;
  std::uint32_t counter_ = 1;
};

inline std::string sha256_of(const fs::path& file) {
  return to_hex(crypto::sha256(must(host::read_file(file, 64ULL * 1024 * 1024))));
}

}  // namespace cotter::world
