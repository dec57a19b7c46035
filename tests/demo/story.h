// The demo's one true story, told with the real programs: a workspace, a server, a vehicle, six updates,
// three attacks. Never claims what it has not measured: before and after are read from the ECUs' slots. One
// thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/world/world.h"

namespace cotter::demo {

struct EcuLine {
  std::string serial, hardware_id, verification;
  std::string before, after;  ///< SHA-256 of what lay, and lies, in the active slot
  bool confirmed = false;     ///< the director's inventory holds its own signed report of `after`
  std::int64_t report = 0;    ///< that report's counter
};

struct AttackLine {
  std::string name;
  bool refused = false;  ///< by the vehicle, with no ECU changed
  std::string rule;      ///< that refused it
  std::string attack;    ///< what the vehicle took it for
};

struct Ending {
  std::vector<EcuLine> ecus;
  std::vector<AttackLine> attacks;
  [[nodiscard]] bool as_it_should_be(const std::vector<world::EcuPlan>& plans) const;
};

class Story {
 public:
  /// `tell` gets a line for each thing that happens.
  Story(world::World& world, std::function<void(const std::string&)> tell)
      : world_(world), tell_(std::move(tell)) {}
  Result<Ending> run();

 private:
  Result<void> set_the_stage();
  Result<void> publish_all();
  Result<void> update_all(Ending& ending);
  Result<void> attack_all(Ending& ending);
  Result<AttackLine> refuse(const std::string& name);
  Result<std::vector<std::string>> slots();

  world::World& world_;
  std::function<void(const std::string&)> tell_;
};

}  // namespace cotter::demo
