// The kit put to the test: for each rule of the core switched off in turn, a client that lacks it alone must
// be fooled by some scenario that names the rule. A catch counts when the same client, with the rule on, does
// as required. Never counts what nobody played. One thread calls; the work is done on others.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/replay/run.h"

namespace cotter::replay {

enum class Catch : std::uint8_t {
  ByDeed,      ///< the weak client did something that it must not
  ByName,      ///< another check stopped the attack: the weak client named another rule
  ByServer,    ///< only a server has this rule: run --server URL
  MemoryOnly,  ///< its scenarios are played in memory only so far
  Missed,
};

struct RuleCatch {
  std::string rule;
  Catch caught = Catch::Missed;
  std::string scenario;  ///< that caught it
  std::string what;      ///< what the weak client did
};

/// `weak`: the folder of the mutants build's programs. `order` gives scenarios and jobs; its client is not
/// looked at.
std::vector<RuleCatch> self_test(const RunOrder& order, const std::filesystem::path& weak,
                                 const std::vector<scenario::Scenario>& scenarios);

/// The table, and "N rules: C caught, M missed, …"; how many were missed.
std::size_t print(const std::vector<RuleCatch>& catches, bool as_json);

}  // namespace cotter::replay
