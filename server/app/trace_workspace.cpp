#include "server/app/trace_workspace.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/base/limits.h"
#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"
#include "server/app/kept_papers.h"
#include "server/app/release_lines.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHexOfSha256 = 64;

/// Of the way that names are written in paths, "%2B": whoever calls sees whether it leads back.
std::string decoded(std::string_view path) {
  std::string name;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto byte = path[i] == '%' ? from_hex(path.substr(i + 1, 2)) : std::nullopt;
    if (byte && byte->size() == 1) {
      name += static_cast<char>(byte->front());
      i += 2;
    } else {
      name += path[i];
    }
  }
  return name;
}

/// The names under which the content was stored: images lie at targets/DIR/SHA256.NAME.
std::set<TargetName> names_of_stored(const repository::Layout& layout, const std::string& sha256) {
  std::set<TargetName> names;
  const fs::path base = layout.dir() / "targets";
  const std::string beginning = sha256 + ".";
  std::error_code error;
  for (fs::recursive_directory_iterator entry(base, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string file = entry->path().filename().string();
    if (!file.starts_with(beginning)) continue;
    const fs::path dir = entry->path().parent_path().lexically_relative(base);
    const TargetName name(decoded((dir / file.substr(beginning.size())).lexically_normal().generic_string()));
    if (layout.image(name, sha256) == entry->path()) names.insert(name);
  }
  return names;
}

/// The roles from targets on that lead to `role`, as far as targets themselves and bins tell.
std::vector<RoleName> way_to(const RoleName& role, const model::Targets& targets) {
  if (role == model::targets_role()) return {role};
  std::vector<RoleName> way{model::targets_role()};
  if (targets.delegations) {
    for (const model::DelegatedRole& entry : targets.delegations->roles) {
      if (role.value().starts_with(entry.name.value() + "-")) way.push_back(entry.name);
      if (role == entry.name) break;
    }
  }
  way.push_back(role);
  return way;
}

}  // namespace

Result<std::optional<Bytes>> file_in(const Workspace& workspace, const RoleName& role, Version version) {
  for (const fs::path& dir : {workspace.repo_dir(), workspace.removed_dir()}) {
    auto wire = host::read_file(repository::Layout(dir).metadata(role, version),
                                Limits::for_image_repository().listed_bytes);
    if (wire) return std::optional(*std::move(wire));
    if (!is_fault(wire.error(), Fault::Kind::NotFound)) return fail(wire.error());
  }
  return std::optional<Bytes>();
}

Result<void> each_entry(host::Db& db, std::string_view kind, std::string_view needle,
                        const VisitEntry& visit) {
  storage::LedgerFilter filter;
  filter.kind = kind;
  return storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
    if (as_text(row.body).find(needle) == std::string_view::npos) return {};
    if (const auto entry = ledger::Entry::decode(row.body)) visit(row.index, *entry);
    return {};
  });
}

Result<TraceQuery> trace_query(std::string_view text) {
  TraceQuery query;
  if (text.size() == kHexOfSha256) {
    if (const auto bytes = from_hex(text)) {
      query.sha256 = to_hex(*bytes);
      return query;
    }
  }
  if (!model::is_safe_target_name(text)) {
    return fault(Fault::Kind::Usage, "no vehicle takes an image named " + std::string(text),
                 "give the image's name, brakes/mk4/fw.bin, or the 64 digits of its SHA-256");
  }
  query.name = TargetName(std::string(text));
  return query;
}

Result<Trace> trace_in(const Workspace& workspace, host::Db& db, TraceQuery query) {
  const repository::Layout layout(workspace.repo_dir());
  if (!query.name) query.guesses = names_of_stored(layout, query.sha256);
  TraceSources sources;
  sources.each = [&](std::string_view kind, std::string_view needle, const VisitEntry& visit) {
    return each_entry(db, kind, needle, visit);
  };
  sources.file = [&](const RoleName& role, Version version) { return file_in(workspace, role, version); };
  const KeptPapers papers(workspace);
  sources.paper = [&](const std::string& sha256) { return papers.read(sha256); };
  Trace found = TRY(trace(query, sources));
  // With files missing or altered, "nobody" would be more than is known.
  if (!found.artifacts.empty() || !found.problems.empty()) return found;
  const std::string gone = found.unread.empty()
                               ? ""
                               : ", but " + std::to_string(found.unread.size()) + " published files are gone";
  return fault(Fault::Kind::NotFound,
               "neither the ledger nor any published file has heard of " +
                   (query.name ? query.name->value() : "SHA-256 " + query.sha256) + gone,
               "names count in full, as vehicles ask for them");
}

Result<std::optional<LiveListing>> live_listing(const Workspace& workspace, const TargetName& name) {
  const auto set = TRY(repository::read_as_client(workspace.repo_dir(), repository::kBeforeAnyExpiry));
  const auto found = repository::find_target(set, workspace.repo_dir(), name);
  if (!found) {
    const Rejection* none = rejection_in(found.error());
    if (none != nullptr && none->rule == RuleId::TargetNotFound) return std::optional<LiveListing>();
    return fail(found.error());
  }
  const Bytes* sha256 = found->target.hashes.find(crypto::HashFunction::Sha256);
  return std::optional(LiveListing{way_to(found->role, **set.targets()), sha256 ? to_hex(*sha256) : ""});
}

Result<ProofFolder> write_proofs(const Workspace& workspace, host::Db& db, const ledger::VerifierKey& key,
                                 const Trace& trace, const fs::path& dir) {
  TRY(host::ensure_dir(dir));
  ProofFolder folder;
  folder.entries = TRY(write_entry_proofs(db, key, cited(trace), dir));
  const auto add = [&](const std::string& name, ByteView bytes) -> Result<void> {
    if (std::ranges::find(folder.files, name) != folder.files.end()) return {};
    TRY(host::write_atomically(dir / name, bytes));
    folder.files.push_back(name);
    return {};
  };
  const auto add_file = [&](const RoleName& role, Version version) -> Result<void> {
    const auto wire = TRY(file_in(workspace, role, version));
    return wire ? add(model::metadata_file_name(role, version), *wire) : Result<void>();
  };
  const KeptPapers papers(workspace);
  const auto add_paper = [&](const std::string& sha256, const std::string& kind) -> Result<void> {
    const auto bytes = TRY(papers.read(sha256));
    return bytes ? add(sha256 + "." + kind + ".json", *bytes) : Result<void>();
  };
  for (const Traced& artifact : trace.artifacts) {
    for (const Span& span : artifact.published) {
      for (const Listing* listing : span.all()) {
        TRY(add_file(listing->role, listing->version));
        for (const DelegatingFile& each : listing->delegated_by) TRY(add_file(each.role, each.version));
      }
    }
    for (const TracedPaper& paper : artifact.papers)
      TRY(add_paper(paper.sha256, std::string(name_of(paper.kind))));
  }
  const std::uint64_t newest_root = trace.roots.empty() ? 0 : trace.roots.rbegin()->first.value();
  for (std::uint64_t version = 1; version <= newest_root; ++version)
    TRY(add_file(model::root_role(), Version(version)));
  for (const auto& [release, lines] : trace.release_lines)
    TRY(add(release_name(release.first, release.second), as_bytes(lines)));
  for (const std::string& sha256 : trace.lists) TRY(add_paper(sha256, "files"));
  return folder;
}

}  // namespace cotter::app
