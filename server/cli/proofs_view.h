// What a verb says of the proofs of the ledger's entries that it wrote into a folder. Writes to stdout. One
// thread.
#pragma once

#include <filesystem>

#include "common/json/value.h"
#include "server/app/trace_workspace.h"

namespace cotter::cli {

json::Object proofs_json(const app::ProofFolder& folder, const std::filesystem::path& dir);
/// A line for each entry that no checkpoint is about yet.
void show_unsigned(const app::EntryProofs& entries);

}  // namespace cotter::cli
