// Measuring real processes: CPU, peak memory, system calls; and CPU of our own thread.
// Never counts what another process does, nor what a process was before its exec. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "common/base/result.h"
#include "tests/world/process.h"

namespace cotter::bench {

struct Usage {
  double cpu_us = 0;   ///< user and system, by wait4
  double wall_us = 0;  ///< from exec to its end
  double peak_bytes = 0;
  int exit_code = -1;
  std::string out;
};

/// Runs to its end; says less than a pipe holds. ru_maxrss would remember the process that forked it, so the
/// peak is read (VmHWM) while it stands at its exit. Faults: Io (no ptrace allowed, no such program).
Result<Usage> measure(const world::Command& command);
/// measure(), and an exit code of 0.
Result<Usage> measure_well(const world::Command& command);

/// Of a process that runs.
Result<double> peak_bytes_of(pid_t process);
Result<double> cpu_us_of(pid_t process);

/// CPU of this thread.
double cpu_us_of(const std::function<void()>& work);
double wall_us_of(const std::function<void()>& work);

/// What strace saw of a client that talks plain HTTP.
struct Calls {
  double requests = 0, connections = 0, syncs = 0;
};
/// From the beginning of the trace to its end.
Result<Calls> calls_in(const std::filesystem::path& trace, int port);
/// Averages over the whole polls in a trace; a poll begins with its PUT.
Result<Calls> calls_per_poll(const std::filesystem::path& trace, int port);
/// The command line of strace in front of a program or `-p PID`.
world::Command strace(const std::filesystem::path& trace, std::vector<std::string> what);

/// The file's size once symbols are stripped.
Result<double> stripped_bytes(const std::filesystem::path& program, const std::filesystem::path& scratch);

}  // namespace cotter::bench
