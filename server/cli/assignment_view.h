// ECUs whose assignments end with whoever signs their images, for people and for programs.
// Never decides anything. One thread.
#pragma once

#include <vector>

#include "common/base/result.h"
#include "common/json/value.h"
#include "server/app/ended_assignments.h"

namespace cotter::cli {

inline constexpr const char* kEndAssignments = "--end-assignments";

/// [{"vin", "ecu", "image"}]
json::Array assignments_json(const std::vector<app::EndedAssignment>& assignments);
/// "ADAS-1 of VIN-1 is to run acme/adas/app.bin", a line each.
void print_assigned(const std::vector<app::EndedAssignment>& assignments);
/// "ADAS-1 of VIN-1 is no longer to run acme/adas/app.bin", a line each, and what follows from it.
void print_ended(const std::vector<app::EndedAssignment>& assignments);
/// What keeps a supplier from going: Conflict, which names the first of them.
Error still_assigned(const std::vector<app::EndedAssignment>& assignments);

}  // namespace cotter::cli
