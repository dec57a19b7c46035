#include "server/app/key_proofs.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"
#include "server/app/director_roots.h"
#include "server/app/proven_keys.h"
#include "server/app/published_files.h"
#include "server/app/release_lines.h"
#include "server/app/role_forecast.h"
#include "server/repository/folder_transport.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

Bytes bytes_of(ByteView view) { return Bytes(view.begin(), view.end()); }

/// What is published now, and what the ledger tells of it.
class Evidence {
 public:
  Evidence(const Workspace& workspace, host::Db& db) : workspace_(&workspace), db_(&db) {}

  /// The ledger after the files: it is told of each before anybody sees it.
  Result<void> collect() {
    TRY(read_metadata());
    for (const std::string_view kind : ledger::kKeyKinds) {
      TRY(each_entry(*db_, kind, "", [&](std::uint64_t index, const ledger::Entry& entry) {
        entries_.emplace(index, entry);
      }));
    }
    TRY(each_entry(*db_, ledger::kPublication, "", [&](std::uint64_t index, const ledger::Entry& entry) {
      for (const NamedHash& told : hashes_told_by(entry)) told_[told.name][told.sha256] = index;
      publications_.emplace(index, entry);
    }));
    for (const auto& [name, bytes] : files_) static_cast<void>(vouch(name, bytes));
    return add_releases();
  }

  Result<ProofFolder> write(const ledger::VerifierKey& key, const fs::path& dir, UtcTime at) {
    TRY(host::ensure_dir(dir));
    TRY(host::ensure_dir(dir / kDirectorFolder));
    std::set<std::uint64_t> indexes;
    for (const auto& [index, entry] : entries_) indexes.insert(index);
    ProofFolder folder;
    folder.entries = TRY(write_entry_proofs(*db_, key, indexes, dir));
    for (const std::uint64_t index : folder.entries.unsigned_yet) entries_.erase(index);
    files_[kKeyListFile] = to_bytes(json::to_pretty_text(key_list(entries_, roles_, key)));
    files_[kForecastFile] = to_bytes(json::to_pretty_text(role_forecast(roles_, key.name(), at)));
    for (const auto& [name, bytes] : files_) {
      TRY(host::write_atomically(dir / name, bytes));
      folder.files.push_back(name);
    }
    return folder;
  }

 private:
  /// Takes the publication that has the file's hash in. false: there is none.
  bool vouch(const std::string& name, ByteView bytes) {
    const auto hashes = told_.find(name);
    if (hashes == told_.end()) return false;
    const auto index = hashes->second.find(to_hex(crypto::sha256(bytes)));
    if (index == hashes->second.end()) return false;
    entries_.emplace(index->second, publications_.at(index->second));
    return true;
  }

  void add(const RoleName& role, std::optional<Version> version, ByteView bytes) {
    files_[model::metadata_file_name(role, version)] = bytes_of(bytes);
  }

  Result<void> read_metadata() {
    repository::FolderTransport folder(workspace_->repo_dir());
    trust::TrustedSet image = TRY(repository::read_as_client(folder, repository::kBeforeAnyExpiry));
    const auto director = TRY(DirectorRoots::read(workspace_->director_dir()));
    const repository::Layout layout(workspace_->repo_dir());
    std::uint64_t version = 0;
    for (const std::string& root : TRY(repository::root_files(layout, image.root()->version)))
      add(model::root_role(), Version(++version), as_bytes(root));
    add(model::timestamp_role(), std::nullopt, image.timestamp()->wire());
    add(model::snapshot_role(), (*image.snapshot())->version, image.snapshot()->wire());
    add(model::targets_role(), (*image.targets())->version, image.targets()->wire());
    version = 0;
    for (const Bytes& root : director.files()) {
      const std::string name = model::metadata_file_name(model::root_role(), Version(++version));
      files_[std::string(kDirectorFolder) + "/" + name] = root;
    }
    const model::MetaFiles listed = (*image.snapshot())->meta;
    roles_ = TRY(live_roles(std::move(image), folder, &director.newest()));
    for (const LiveRole& role : roles_) {
      const auto meta = role.is_delegated() ? listed.find(role.role) : std::nullopt;
      if (!meta) continue;
      const auto wire = TRY(file_in(*workspace_, role.role, meta->version));
      if (!wire) continue;
      add(role.role, meta->version, *wire);
      delegated_.insert_or_assign(role.role, meta->version);
    }
    return {};
  }

  /// A release role's own file is published with its bins: the ledger has one hash over all of them.
  Result<void> add_releases() {
    const ReadFile read = [&](const RoleName& role, Version version) {
      return file_in(*workspace_, role, version);
    };
    for (const auto& [role, version] : delegated_) {
      const std::string file = model::metadata_file_name(role, version);
      if (vouch(file, files_.at(file))) continue;
      const VouchedTargets own = TRY(read_vouched(files_.at(file)));
      if (!own.targets.delegations || !own.targets.delegations->succinct) continue;
      const std::string lines = TRY(release_lines(read, role, version, *own.targets.delegations->succinct));
      const std::string name = release_name(role, version);
      if (vouch(name, as_bytes(lines))) files_[name] = to_bytes(lines);
    }
    return {};
  }

  const Workspace* workspace_;
  host::Db* db_;
  ProvenEntries entries_;                                             ///< that are to be proved
  ProvenEntries publications_;                                        ///< all of them
  std::map<std::string, std::map<std::string, std::uint64_t>> told_;  ///< by name and hash, the last entry
  std::map<std::string, Bytes> files_;
  std::map<RoleName, Version> delegated_;  ///< whose files are among them
  std::vector<LiveRole> roles_;
};

}  // namespace

Result<ProofFolder> write_key_proofs(const Workspace& workspace, host::Db& db, const ledger::VerifierKey& key,
                                     const fs::path& dir, UtcTime at) {
  Evidence evidence(workspace, db);
  TRY(evidence.collect());
  ProofFolder folder = TRY(evidence.write(key, dir, at));
  const ProvenKeys proven = TRY(read_proven_keys(dir, key));
  if (proven.healthy()) return folder;
  return fault(Fault::Kind::Denied,
               "what is in " + dir.string() +
                   " does not prove the keys and their forecast: " + proven.problems.front(),
               "give an empty folder; publishing anything signs for entries that no checkpoint is about yet; "
               "`cotter audit verify` and `cotter check` tell what is wrong with the workspace");
}

}  // namespace cotter::app
