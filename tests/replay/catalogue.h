// The scenarios of a folder: all of them, some by name, and the list that people and programs read.
// Never plays one. Values only.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/json/value.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {

/// Where the scenarios lie: `given` where one was; else beside this program (../share/cotter/scenarios), else
/// in the source tree that it was built from. Fault: NotFound.
Result<std::filesystem::path> scenario_folder(const std::string& given);

/// All, in order of names; or those that are named, in the order of their names. Fault: NotFound.
Result<std::vector<scenario::Scenario>> load_scenarios(const std::filesystem::path& folder,
                                                       const std::vector<std::string>& names);

/// What its breaking looks like: "rollback"; "none" where all must end well.
std::string attack_of(const scenario::Scenario& scenario);

json::Object describe(const scenario::Scenario& scenario);
void print_list(const std::vector<scenario::Scenario>& scenarios, bool as_json);

}  // namespace cotter::replay
