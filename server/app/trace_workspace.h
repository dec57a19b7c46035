// Tracing an artifact in a workspace: its ledger, its image repository, and what vehicles find there today.
// Never changes the workspace, asks for no passphrase. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/host/sqlite.h"
#include "server/app/audit_prove.h"
#include "server/app/trace.h"
#include "server/app/workspace.h"
#include "server/ledger/checkpoint.h"

namespace cotter::app {

/// A published file, from the repository, or from where those of suppliers that are gone were put; nothing
/// where there is none. Faults: Denied, Io.
Result<std::optional<Bytes>> file_in(const Workspace& workspace, const RoleName& role, Version version);

/// EachEntry of the workspace's ledger. What cannot be read says nothing: the ledger's verification tells of
/// it.
Result<void> each_entry(host::Db& db, std::string_view kind, std::string_view needle,
                        const VisitEntry& visit);

/// What `text` asks for: 64 hex digits are a SHA-256, in either case; all else is a name. Fault: Usage (no
/// vehicle takes such a name).
Result<TraceQuery> trace_query(std::string_view text);

/// `db` is the workspace's. Names of a content are looked for among the names of the stored images too: time
/// O(images) then, else O(ledger + versions of files). Faults: NotFound (nobody ever heard of it), Busy, Io.
Result<Trace> trace_in(const Workspace& workspace, host::Db& db, TraceQuery query);

/// Who lists a name today, as a vehicle finds it.
struct LiveListing {
  std::vector<RoleName> way;  ///< from targets to the role that lists it
  std::string sha256;
};
/// Nothing where nobody lists it. Expiry is not looked at. Rejections: those of a client. Faults: NotFound
/// (no repository), Denied, Io.
Result<std::optional<LiveListing>> live_listing(const Workspace& workspace, const TargetName& name);

struct ProofFolder {
  EntryProofs entries{};
  std::vector<std::string> files{};  ///< published files and papers whose hashes the entries have
};
/// Writes into `dir`, which is made where it is not there: entry-INDEX.json, a proof for each entry that is
/// cited; the published files as they are served, with all roots and all files that let them be signed;
/// VERSION.ROLE.release, the lines over which the publication of a release has a hash; the papers,
/// SHA256.KIND.json, and lists of files that have them, SHA256.files.json. Faults: NotFound (no checkpoint of
/// the ledger), Denied (the ledger was tampered with), NoSpace, Busy, Io.
Result<ProofFolder> write_proofs(const Workspace& workspace, host::Db& db, const ledger::VerifierKey& key,
                                 const Trace& trace, const std::filesystem::path& dir);

}  // namespace cotter::app
