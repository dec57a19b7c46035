// How verbs show what became of a change of the targets and of a release, to people and to programs.
// Never decides anything. One thread.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "common/json/value.h"
#include "server/app/apply_release.h"
#include "server/app/targets_change.h"

namespace cotter::cli {

std::string_view name_of(app::TargetsOutcome::State state);
/// What each of them says of the outcome: "state", "targets_version", "summary", and of one that waits
/// "bundle", "sha256", "signatures", "threshold".
void add_outcome(json::Object& object, const app::TargetsOutcome& outcome);
void show_awaiting(const app::TargetsOutcome& outcome);
void show_versions(const app::PublishedVersions& versions);

/// Applies with a bar on the terminal, and warns of hardware that no vehicle has. `request` is spent.
Result<app::ApplyOutcome> apply_with_bar(const app::Workspace& workspace, app::ApplyRequest& request);
/// Of one role "role" and "release_version"; of several "roles", with those of each.
json::Object release_json(const app::ApplyOutcome& outcome);
void show_release(const app::ApplyOutcome& outcome);

}  // namespace cotter::cli
