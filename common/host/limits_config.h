// What an operator says a client may read: `[limits.director]` and `[limits.image]` of its configuration.
// Never takes a limit away, only sets it. Pure.
#pragma once

#include <string>

#include "common/base/limits.h"
#include "common/base/result.h"
#include "common/host/config.h"

namespace cotter::host {

/// The caps of `table` ("limits.image"), `defaults` where it names none. A root with large keys needs more
/// `root_bytes`, and, since a parent lists no length of a root, no more than that. Fault: Usage (a value that
/// is no number, or out of range).
Result<Limits> read_limits(const Config& config, const std::string& table, Limits defaults);

}  // namespace cotter::host
