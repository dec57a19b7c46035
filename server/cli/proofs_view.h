// What a verb says of the proofs of the ledger's entries that it wrote into a folder; and the folder that
// `cotter key list` and `cotter key forecast` write alike. Writes to stdout. One thread.
#pragma once

#include <filesystem>
#include <optional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "server/app/trace_workspace.h"
#include "server/cli/context.h"
#include "server/ledger/note.h"

namespace cotter::cli {

json::Object proofs_json(const app::ProofFolder& folder, const std::filesystem::path& dir);
/// A line for each entry that no checkpoint is about yet.
void show_unsigned(const app::EntryProofs& entries);

struct KeyProofs {
  app::ProofFolder folder;
  ledger::VerifierKey key;
};
/// Into `dir`, of the keys and of what ends as of `at`; nothing where no folder is named. Faults: as
/// app::write_key_proofs(), NotFound (no workspace, or no key of its ledger).
Result<std::optional<KeyProofs>> prove_keys(const std::filesystem::path& dir, UtcTime at,
                                            const Context& context);
json::Object key_proofs_json(const KeyProofs& proofs, const std::filesystem::path& dir);
void show_key_proofs(const KeyProofs& proofs, const std::filesystem::path& dir);

}  // namespace cotter::cli
