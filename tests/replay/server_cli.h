// What the attack kit's command line has for servers: `run --server URL …`, and `vehicle-record`. Never
// judges. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/replay/server_run.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own
class App;
}

namespace cotter::replay {

struct ServerArguments {
  ServerOptions options;
  std::int64_t patience = ServerOptions{}.patience.count();
  std::int64_t others_within = ServerOptions{}.others_within.count();
  bool neighbour = false;  ///< of vehicle-record: the other one

  [[nodiscard]] bool given() const noexcept { return !options.url.empty(); }
};

/// --server and all that belongs to it.
void add_server_options(CLI::App& run, ServerArguments& arguments);
/// --seed, --vin, --neighbour.
void add_record_options(CLI::App& vehicle_record, ServerArguments& arguments);

/// run_against_server(), once the arguments are seen to fit together. Faults besides: Usage.
Result<std::vector<Verdict>> run_as_told(const ServerArguments& arguments,
                                         const std::vector<scenario::Scenario>& scenarios,
                                         const std::function<void(const Verdict&)>& seen);
/// The record of one of the kit's two vehicles on stdout.
Result<void> print_vehicle_record(const ServerArguments& arguments);

}  // namespace cotter::replay
