// Sets up the one logger of a program: lines on stderr.
// Never a file, never stdout, never a secret. Call once, before threads start; spdlog itself is safe on any
// thread.
#pragma once

#include <string_view>

#include "common/base/result.h"

namespace cotter::host {

/// The default spdlog logger writes to stderr: time in UTC, level, message. The level is COTTER_LOG's (trace,
/// debug, info, warn, error, off) or info. Fault: Usage (an unknown level).
Result<void> set_up_logging();

}  // namespace cotter::host
