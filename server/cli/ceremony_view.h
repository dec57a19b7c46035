// Ceremonies as people and programs see them.
// Never decides anything. One thread.
#pragma once

#include <filesystem>

#include "common/json/value.h"
#include "server/app/root_ceremony.h"
#include "server/app/targets_change.h"
#include "server/ceremony/offline_bundle.h"
#include "server/ceremony/signing.h"

namespace cotter::cli {

/// {"bundle", "repository", "role", "version", "sha256", "hash", "changes", "quorums", "complete"}
json::Object ceremony_json(const std::filesystem::path& file, const ceremony::OfflineBundle& bundle,
                           const ceremony::Standing& standing);

/// A ceremony that was just opened: the whole of it, on stdout.
void show_opened(const app::OpenCeremony& opened, bool json);
void show_targets(const app::TargetsOutcome& outcome, bool json);

/// What to do with a bundle that still wants signatures.
void show_next_steps(const std::filesystem::path& file, const ceremony::OfflineBundle& bundle);

}  // namespace cotter::cli
