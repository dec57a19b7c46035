// Runs a piece of work as a child that is killed before its Nth change to the disk: kill -9 at every step.
// Never pretends: where the machine does not let us trace a child, step() says so and the test is skipped.
// One thread.
#pragma once

#include <cstdint>
#include <functional>

namespace cotter::sim {

enum class Death : std::uint8_t {
  Killed,       ///< before the step it was to die at
  Finished,     ///< it made fewer changes than that; `work` said it went well
  Failed,       ///< likewise; `work` said it went wrong
  CannotTrace,  ///< ptrace is not allowed here
};

/// Forks, lets the child do `work` (true: well), and sends it SIGKILL when it is about to make its `step`th
/// (from 1) system call that changes a file system, on whichever thread: the call itself is not made.
Death run_until_step(unsigned step, const std::function<bool()>& work);

}  // namespace cotter::sim
