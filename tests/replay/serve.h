// `cotter-replay serve SCENARIO`: the hostile side left standing, for a client on a bench. Plays the
// publishers' and the attacker's steps, stops where the client's turn is, says what it must do, and goes on
// when a person says that it has. Never judges: nobody tells it what the client did. One thread; the front
// has its own.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {

struct ServeOrder {
  std::string listen = "127.0.0.1:0";  ///< the address that the client reaches
  std::filesystem::path folder;  ///< where vehicle.json goes, with the pinned roots and the factory's images
};

/// Until SIGINT or SIGTERM. Enter or SIGUSR1: the client has had its turn. Faults: Usage (no such address,
/// nothing to serve), Network (the port is taken), of writing the folder.
Result<void> serve(const scenario::Scenario& scenario, const ServeOrder& order);

}  // namespace cotter::replay
