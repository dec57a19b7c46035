#include "server/cli/proofs_view.h"

#include <fmt/format.h>

#include <utility>

#include "server/app/audit_verify.h"
#include "server/app/key_proofs.h"
#include "server/storage/sqlite/database.h"

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

Result<std::optional<KeyProofs>> prove_keys(const std::filesystem::path& dir, UtcTime at,
                                            const Context& context) {
  if (dir.empty()) return std::optional<KeyProofs>();
  const app::Workspace workspace = TRY(open_workspace(context));
  ledger::VerifierKey key = TRY(app::needed_ledger_key(workspace));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  app::ProofFolder folder = TRY(app::write_key_proofs(workspace, db, key, dir, at));
  return std::optional(KeyProofs{std::move(folder), std::move(key)});
}

json::Object key_proofs_json(const KeyProofs& proofs, const std::filesystem::path& dir) {
  json::Object told = proofs_json(proofs.folder, dir);
  told.set("vkey", proofs.key.text());
  return told;
}

void show_key_proofs(const KeyProofs& proofs, const std::filesystem::path& dir) {
  const app::EntryProofs& entries = proofs.folder.entries;
  fmt::print(
      "\nproofs    of {} entries, and {} files, in {}; whoever knows the ledger's key checks them without "
      "us:\n"
      "          cotter audit verify --proofs {} --vkey {}\n",
      entries.proven.size(), proofs.folder.files.size(), dir.string(), dir.string(), proofs.key.text());
  show_unsigned(entries);
}

}  // namespace cotter::cli
