// Many scenarios against one client: each in a process of its own, several at a time, so that nothing which a
// client or a scenario does reaches the next. One thread calls; the work is done on others.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/replay/client.h"
#include "tests/replay/verdict.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {

struct RunOrder {
  ClientOrder client;
  std::filesystem::path scenarios;  ///< their folder
  std::size_t jobs = 1;
  std::filesystem::path keep;                      ///< where each scenario's folder is left; empty: nowhere
  std::map<std::string, std::string> environment;  ///< what the client is given besides ours
};

/// What a client says of itself, asked in a folder that goes again.
Result<Abilities> ask_abilities(const ClientOrder& client);

/// A verdict for each scenario, in their order. `seen` is told of each as it comes, one at a time.
std::vector<Verdict> play_all(const RunOrder& order, const Abilities& abilities,
                              const std::vector<scenario::Scenario>& scenarios,
                              const std::function<void(const Verdict&)>& seen);

/// One of them, in such a process.
Verdict play_apart(const RunOrder& order, const Abilities& abilities, const std::string& scenario);

/// What such a process does: plays one, and prints the verdict. `folder` is there, and empty.
int play_one(const ClientOrder& order, const Abilities& abilities, const scenario::Scenario& scenario,
             const std::filesystem::path& folder);

}  // namespace cotter::replay
