// Another clock for a child process, by libfaketime, preloaded. Never by its wrapper `faketime`, which
// refuses to start where a process of the same number was once killed.
#pragma once

#include <map>
#include <string>

#include "common/base/result.h"

namespace cotter::world {

/// Where libfaketime lies on this machine. Fault: NotFound.
Result<std::string> find_faketime();

/// The variables that make a child go by `clock`: "+3d" or "-60" (from the true time on), or
/// "@2001-01-01 00:00:00" (from that time on).
std::map<std::string, std::string> going_by(const std::string& clock, const std::string& library);

/// Removes what libfaketime left in /dev/shm for processes that were killed under it: by that, `faketime`
/// refuses to start another of the same number.
void sweep_after_the_dead();

}  // namespace cotter::world
