// The kit put to the test with weak servers: a cotterd that lacks one rule must be fooled by some scenario
// that names it. A catch counts when the same cotterd, with the rule on, does as required. One thread.
#pragma once

#include <filesystem>
#include <vector>

#include "tests/replay/self_test.h"

namespace cotter::replay {

/// Looks anew at each of `catches` that is a server's: its `caught`, scenario and what become those of a weak
/// server. `weak`: the folder of the mutants build's programs, cotter and cotterd among them. Faults: those
/// of a program that cannot be run.
Result<void> self_test_servers(const std::filesystem::path& weak,
                               const std::vector<scenario::Scenario>& scenarios,
                               std::vector<RuleCatch>& catches);

}  // namespace cotter::replay
