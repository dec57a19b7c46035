// cotter-replay the other way round: a hostile vehicle against a director and image repository over HTTP.
// Never attacks but the address it is given, and leaves nothing running. Blocks; one thread.
#pragma once

#include <functional>
#include <vector>

#include "tests/replay/server_target.h"
#include "tests/replay/verdict.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {

/// A verdict for each scenario, in their order; `seen` hears of each as it is judged, in another: what leaves
/// the server's patience with the vehicle exhausted is played late. Not asked: scenarios of other heights.
/// Faults: Usage (the address), NotFound (the two vehicles are not in the server's inventory: what to do, in
/// the hint), Network (nobody answers), and those of the seed file.
Result<std::vector<Verdict>> run_against_server(const ServerOptions& options,
                                                const std::vector<scenario::Scenario>& scenarios,
                                                const std::function<void(const Verdict&)>& seen);

}  // namespace cotter::replay
