// Ceremonies as people and programs see them.
// Never decides anything. One thread.
#pragma once

#include <filesystem>

#include "common/json/value.h"
#include "server/app/targets_change.h"
#include "server/ceremony/offline_bundle.h"
#include "server/ceremony/signing.h"

namespace cotter::cli {

/// {"bundle", "repository", "role", "version", "sha256", "hash", "changes", "quorums", "complete"}
json::Object ceremony_json(const std::filesystem::path& file, const ceremony::OfflineBundle& bundle,
                           const ceremony::Standing& standing);

json::Object targets_json(const app::TargetsOutcome& outcome);
void show_targets(const app::TargetsOutcome& outcome);

/// What to do with a bundle that still wants signatures.
void show_next_steps(const std::filesystem::path& file, const ceremony::OfflineBundle& bundle);

}  // namespace cotter::cli
