#include "server/cli/proofs_view.h"

#include <fmt/format.h>

namespace cotter::cli {

json::Object proofs_json(const app::ProofFolder& folder, const std::filesystem::path& dir) {
  const app::EntryProofs& entries = folder.entries;
  return {{"dir", dir.string()},
          {"entries", json::Array(entries.proven.begin(), entries.proven.end())},
          {"unsigned_entries", json::Array(entries.unsigned_yet.begin(), entries.unsigned_yet.end())},
          {"files", json::Array(folder.files.begin(), folder.files.end())}};
}

void show_unsigned(const app::EntryProofs& entries) {
  for (const std::uint64_t index : entries.unsigned_yet)
    fmt::print("note      entry {} is not signed for yet: publishing anything signs for it\n", index);
}

}  // namespace cotter::cli
