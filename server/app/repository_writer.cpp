#include "server/app/repository_writer.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "common/crypto/digest.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"
#include "common/trust/draft.h"
#include "server/app/abilities.h"
#include "server/app/bin_names.h"
#include "server/app/next_targets.h"
#include "server/app/record.h"
#include "server/app/removed_suppliers.h"
#include "server/app/spent_versions.h"
#include "server/operations/submission.h"
#include "server/repository/folder_transport.h"
#include "server/repository/precompressed.h"
#include "server/repository/publisher.h"
#include "server/repository/reader.h"
#include "server/repository/snapshot_ahead.h"
#include "server/storage/sqlite/counter_store.h"
#include "server/storage/sqlite/database.h"

namespace cotter::app {
namespace {

using namespace std::chrono_literals;
using repository::NewFile;
using repository::Publication;

constexpr auto kWaitForOther = 15s;
constexpr auto kAskAgain = 20ms;
constexpr std::size_t kRoomForKeyIds =
    8 * 1024;  // of who signed many files: strangers' ids may be among them

const storage::Series kImages{Repository::Image, std::nullopt};

Result<host::FileLock> wait_for_lock(const repository::Layout& layout) {
  const auto deadline = std::chrono::steady_clock::now() + kWaitForOther;
  for (;;) {
    auto lock = host::FileLock::acquire(layout.lock());
    if (lock || !is_fault(lock.error(), Fault::Kind::Busy)) return lock;
    if (std::chrono::steady_clock::now() >= deadline) {
      return fault(Fault::Kind::Busy, "another publication is at work on " + layout.dir().string(),
                   "try again when it is done: nothing was changed");
    }
    std::this_thread::sleep_for(kAskAgain);
  }
}

/// "image/targets"
std::string subject_of(const RoleName& role) {
  return std::string(name_of(Repository::Image)) + "/" + role.value();
}
std::string targets_subject() { return subject_of(model::targets_role()); }

/// Of the role's file and its bins, whose names begin with its own; 0 where there is none.
Version newest_of(const model::Snapshot& snapshot, const RoleName& role) {
  Version newest(0);
  for (const model::MetaFiles::Entry entry : snapshot.meta) {
    if (entry.role.starts_with(role.value())) newest = std::max(newest, entry.version);
  }
  return newest;
}

/// A repository's folder as it was before a root.
class RootsBelow final : public trust::Transport {
 public:
  RootsBelow(std::filesystem::path dir, Version end) : folder_(std::move(dir)), end_(end) {}
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override {
    if (path == model::metadata_file_name(model::root_role(), end_)) {
      return fault(Fault::Kind::NotFound, "no " + std::string(path));
    }
    return folder_.get(path, max_bytes);
  }

 private:
  repository::FolderTransport folder_;
  Version end_;
};

/// What is to be signed: of these bytes the signatures are no part.
json::Object draft_details(Version version, ByteView canonical) {
  return {{"version", version.value()}, {"signed_sha256", to_hex(crypto::sha256(canonical))}};
}

/// What we sign ourselves need not be read for that: a snapshot may be large.
Result<std::vector<KeyId>> signers_of(const NewFile& file, const OnlineSigners& signers) {
  if (file.role == model::snapshot_role()) return std::vector{signers.snapshot->public_key().computed_id()};
  if (file.role == model::timestamp_role()) return std::vector{signers.timestamp->public_key().computed_id()};
  return signers_in(file.wire);
}

/// Of a file that is signed already: whoever publishes it has judged it.
Result<std::vector<ListedKey>> keys_listed_in(ByteView wire) {
  const VouchedTargets file = TRY(read_vouched(wire));
  return keys_listed_by(file.targets.delegations);
}

/// Of files of one role and its bins, each with its SHA-256.
json::Object release_details(const RoleName& of, Version version, const std::map<RoleName, Bytes>& files) {
  const Bytes sha256 = crypto::sha256(as_bytes(operations::lines_of(files)));
  return {{"role", of.value()},
          {"version", version.value()},
          {"count", std::uint64_t{files.size()}},
          {"sha256", to_hex(sha256)}};
}

using Listed = repository::NextSnapshot::Listed;

std::set<std::string> keys_of(const model::Root& root, const RoleName& role) {
  std::set<std::string> materials;
  for (const KeyId& id : root.roles.at(role).keyids) {
    if (const auto key = root.keys.find(id); key != root.keys.end()) materials.insert(key->second.material());
  }
  return materials;
}

/// No key that may sign for the role now may go on.
bool replaces_keys(const model::Root& now, const model::Root& next, const RoleName& role) {
  const std::set<std::string> before = keys_of(now, role);
  return std::ranges::none_of(keys_of(next, role),
                              [&](const std::string& key) { return before.contains(key); });
}

template <class T>
Result<Bytes> signed_by(const T& content, crypto::Signer& signer) {
  trust::Draft<T> draft(content);
  TRY(draft.sign(signer));
  return draft.wire();
}

}  // namespace

Result<RepositoryWriter> RepositoryWriter::open(const Workspace& workspace, UtcTime now) {
  return open(workspace, now, Version(UINT64_MAX));
}

Result<RepositoryWriter> RepositoryWriter::open_before(const Workspace& workspace, UtcTime now,
                                                       Version root) {
  return open(workspace, now, root);
}

Result<RepositoryWriter> RepositoryWriter::open(const Workspace& workspace, UtcTime now,
                                                Version roots_below) {
  repository::Layout layout(workspace.repo_dir());
  TRY(host::ensure_dir(layout.incoming_dir(), host::kSecretDir));
  host::FileLock lock = TRY(wait_for_lock(layout));
  repository::SnapshotAhead ahead(layout.dir());
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  RootsBelow folder(layout.dir(), roots_below);
  trust::TrustedSet published = TRY(repository::read_as_client(folder, ahead, repository::kBeforeAnyExpiry));
  RepositoryWriter writer(std::move(lock), std::move(db), std::move(layout), std::move(published), workspace,
                          now);
  TRY(writer.check_newest());
  TRY(writer.clean_up());
  static_cast<void>(app::clear_let_go(writer.db_, writer.published_, writer.layout_, writer.removed_dir_));
  return writer;
}

/// Whoever publishes on from an older copy signs what vehicles refuse as a rollback.
Result<void> RepositoryWriter::check_newest() {
  storage::VersionJournal journal(db_);
  const Version published = (*published_.timestamp())->version, shown = TRY(journal.shown(kImages));
  if (published == shown) return {};
  if (published > shown) return journal.note_shown(kImages, published);
  return fault(Fault::Kind::Conflict,
               layout_.dir().string() + " is an older copy: its timestamp has version " +
                   std::to_string(published.value()) + ", and version " + std::to_string(shown.value()) +
                   " was published",
               "bring back all files of the newest one, from a mirror or a backup: what is signed after an "
               "older one, vehicles refuse as a rollback");
}

/// A writer that was killed, or failed, spent a timestamp that is not the published one; where none did, the
/// repository's folder, which has a name for each version of each bin, need not be looked through.
Result<void> RepositoryWriter::clean_up() {
  TRY(repository::empty_incoming(layout_));
  const Version published = (*published_.timestamp())->version;
  const auto spent = TRY(storage::VersionJournal(db_).highest(kImages, model::timestamp_role()));
  if (spent == published) return {};
  TRY(repository::clean_up(layout_, published_));
  return storage::CounterStore(db_).forget_after(published);
}

Result<void> RepositoryWriter::read_anew() {
  published_ = TRY(repository::read_as_client(layout_.dir(), repository::kBeforeAnyExpiry));
  return {};
}

Result<void> RepositoryWriter::clear_let_go() {
  TRY(read_anew());
  static_cast<void>(app::clear_let_go(db_, published_, layout_, removed_dir_));
  return {};
}

Result<Version> RepositoryWriter::next_targets_version() {
  const std::optional<Version> noted =
      TRY(storage::VersionJournal(db_).highest(kImages, model::targets_role()));
  return Version(std::max((*published_.targets())->version, noted.value_or(Version(0))).value() + 1);
}

Result<void> RepositoryWriter::note_targets(Version version, ByteView canonical) {
  auto transaction = TRY(host::Transaction::begin(db_));
  storage::VersionJournal journal(db_);
  const bool is_noted = TRY(journal.stands_for(kImages, model::targets_role(), version, canonical));
  TRY(journal.note(kImages, model::targets_role(), version, canonical));
  if (!is_noted) {
    TRY(record(db_, {std::string(ledger::kDraft), now_, acting_account(), targets_subject(),
                     draft_details(version, canonical)}));
  }
  return transaction.commit();
}

Result<void> RepositoryWriter::note_signature(Version version, ByteView canonical, const KeyId& keyid) {
  json::Object details = draft_details(version, canonical);
  details.set("keyids", json::Array{keyid.value()});
  auto transaction = TRY(host::Transaction::begin(db_));
  TRY(record(
      db_, {std::string(ledger::kSignature), now_, acting_account(), targets_subject(), std::move(details)}));
  return transaction.commit();
}

Result<bool> RepositoryWriter::targets_stand_for(Version version, ByteView canonical) {
  return storage::VersionJournal(db_).stands_for(kImages, model::targets_role(), version, canonical);
}

/// Numbers for these roles, which come first, and for snapshot and timestamp.
Result<ReleaseNumbers> RepositoryWriter::reserve(std::vector<storage::NextOf> roles) {
  roles.push_back({model::snapshot_role(), (*published_.snapshot())->version});
  roles.push_back({model::timestamp_role(), (*published_.timestamp())->version});
  const std::vector<Version> fresh = TRY(storage::VersionJournal(db_).reserve(kImages, roles));
  return ReleaseNumbers{std::vector<Version>(fresh.begin(), fresh.end() - 2), fresh.at(fresh.size() - 2),
                        fresh.back()};
}

Result<ReleaseNumbers> RepositoryWriter::begin_release(std::vector<RoleRelease> roles,
                                                       const ReleaseCounters& counters) {
  std::vector<storage::NextOf> next;
  for (const RoleRelease& each : roles)
    next.push_back({each.role, newest_of(**published_.snapshot(), each.role)});
  auto transaction = TRY(host::Transaction::begin(db_));
  ReleaseNumbers numbers = TRY(reserve(std::move(next)));
  storage::CounterStore store(db_);
  for (const auto& [hardware, counter] : counters) TRY(store.note(hardware, counter, numbers.timestamp));
  for (std::size_t i = 0; i < roles.size(); ++i) {
    RoleRelease& each = roles[i];
    each.details.set("version", numbers.releases[i].value());
    TRY(record(db_, {std::string(ledger::kRelease), now_, acting_account(), subject_of(each.role),
                     std::move(each.details)}));
  }
  TRY(transaction.commit());
  return numbers;
}

std::unique_ptr<repository::NextSnapshot> RepositoryWriter::begin_snapshot(
    const ReleaseNumbers& numbers, const std::vector<std::vector<RoleName>>& files) const {
  COTTER_ASSERT(files.size() == numbers.releases.size());
  Listed listed;
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (const RoleName& file : files[i]) listed[file].version = numbers.releases[i];
  }
  return next_snapshot(numbers, std::move(listed));
}

std::unique_ptr<repository::NextSnapshot> RepositoryWriter::next_snapshot(const ReleaseNumbers& numbers,
                                                                          Listed listed,
                                                                          std::set<RoleName> dropped) const {
  return std::make_unique<repository::NextSnapshot>(**published_.snapshot(), numbers.snapshot,
                                                    now_ + lifetimes_.snapshot, std::move(listed),
                                                    std::move(dropped));
}

Result<PublishedVersions> RepositoryWriter::publish_release(
    const ReleaseNumbers& numbers, const std::vector<DelegatedFiles>& releases, repository::Batch& batch,
    const OnlineSigners& signers, std::unique_ptr<repository::NextSnapshot> snapshot) {
  Change change;
  Listed listed;
  json::Array told;
  for (const DelegatedFiles& release : releases) {
    for (const auto& [role, sha256] : release.files) listed[role].version = release.version;
    if (const auto own = release.files.find(release.of); own != release.files.end()) {
      model::FileMeta& meta = listed[release.of];
      meta.length = release.own_bytes;
      meta.hashes.emplace().set(crypto::HashFunction::Sha256, own->second);
    }
    change.releases.push_back(release.of);
    told.emplace_back(release_details(release.of, release.version, release.files));
  }
  COTTER_ASSERT(!snapshot || snapshot->listed() == listed);
  change.snapshot = snapshot ? std::move(snapshot) : next_snapshot(numbers, std::move(listed));
  change.details.set("release", told.size() == 1 ? std::move(told.front()) : json::Value(std::move(told)));
  return publish(numbers, std::move(change), batch, signers);
}

/// A version that others have signed stands for these bytes from now on.
Result<void> RepositoryWriter::promise(const Promised& promised, Version timestamp) {
  auto transaction = TRY(host::Transaction::begin(db_));
  TRY(storage::VersionJournal(db_).note(kImages, promised.role, promised.version, promised.canonical));
  storage::CounterStore store(db_);
  for (const auto& [hardware, counter] : *promised.counters) TRY(store.note(hardware, counter, timestamp));
  return transaction.commit();
}

/// The fleet is asked first: of what it could not follow no version is spent, which would be its signers'.
Result<PublishedVersions> RepositoryWriter::publish_promised(const Promised& promised, Listed listed,
                                                             Change change, repository::Batch& batch,
                                                             const OnlineSigners& signers) {
  const ReleaseNumbers numbers = TRY(reserve({}));
  change.snapshot = next_snapshot(numbers, std::move(listed));
  TRY(check_fleet({}, change.snapshot->draft().canonical(), signers, *published_.root()));
  change.asks_fleet = false;
  TRY(promise(promised, numbers.timestamp));
  return publish(numbers, std::move(change), batch, signers);
}

Result<PublishedVersions> RepositoryWriter::publish_delegated(DelegatedFile file,
                                                              const ReleaseCounters& counters,
                                                              repository::Batch& batch,
                                                              const OnlineSigners& signers) {
  const auto written = TRY(repository::WrittenFile::write(batch, file.wire));
  written.add_to(batch, layout_, {file.role}, file.version);
  Change change;
  change.entries = TRY(key_changes(db_, {Repository::Image, file.version}, keys_below(file.role),
                                   TRY(keys_listed_in(file.wire)), now_));
  json::Object listed = TRY(signed_file_details(file.role, file.version, file.wire));
  change.details = {{"delegated", std::move(listed)}};
  return publish_promised({file.role, file.version, file.canonical, &counters},
                          {{file.role, repository::meta_of(file.version, file.wire)}}, std::move(change),
                          batch, signers);
}

Result<PublishedVersions> RepositoryWriter::publish_bins(const DelegatedBins& bins,
                                                         const ReleaseCounters& counters,
                                                         repository::Batch& batch,
                                                         const OnlineSigners& signers) {
  std::map<RoleName, Bytes> files;
  Listed listed;
  std::vector<repository::WrittenFile> passing;  // until they have their names
  std::set<KeyId> signers_of_all;
  Change change;
  for (const DelegatedBins::File& file : bins.files) {
    const std::vector<RoleName> roles = file.roles.empty() ? std::vector{bins.of} : file.roles;
    passing.push_back(TRY(repository::WrittenFile::write(batch, file.wire)));
    passing.back().add_to(batch, layout_, roles, bins.version);
    // By hash: its signer is away and may have signed other files of this version, or old ones, which nobody
    // judged; no version journal of ours holds it to one.
    const model::FileMeta meta = repository::meta_of(bins.version, file.wire);
    for (const RoleName& role : roles) {
      files.emplace(role, *meta.hashes->find(crypto::HashFunction::Sha256));
      listed.emplace(role, meta);
    }
    for (const KeyId& id : TRY(signers_in(file.wire))) signers_of_all.insert(id);
    if (!file.roles.empty()) continue;
    change.entries = TRY(key_changes(db_, {Repository::Image, bins.version}, keys_below(bins.of),
                                     TRY(keys_listed_in(file.wire)), now_));
  }
  json::Array keyids;
  for (const KeyId& id : signers_of_all) keyids.emplace_back(id.value());
  json::Object release = release_details(bins.of, bins.version, files);
  set_first(release, "keyids", keyids, kRoomForKeyIds);
  change.details.set("release", std::move(release));
  return publish_promised({bins.of, bins.version, bins.canonical, &counters}, std::move(listed),
                          std::move(change), batch, signers);
}

Result<PublishedVersions> RepositoryWriter::publish_targets(Version version, Bytes wire,
                                                            const OnlineSigners& signers) {
  const ReleaseNumbers numbers = TRY(reserve({}));
  Change change;
  change.snapshot = next_snapshot(numbers, {{model::targets_role(), repository::meta_of(version, wire)}});
  change.targets = NewFile{model::targets_role(), version, std::move(wire)};
  repository::Batch batch(layout_);
  return publish(numbers, std::move(change), batch, signers);
}

Result<PublishedVersions> RepositoryWriter::publish_root(const trust::Verified<model::Root>& root,
                                                         std::optional<NewFile> targets,
                                                         ledger::Entry transcript,
                                                         const OnlineSigners& signers, bool is_out) {
  const ReleaseNumbers numbers = TRY(reserve({}));
  Listed listed;
  Change change;
  if (targets) listed[model::targets_role()] = repository::meta_of(*targets->version, targets->wire);
  change.entries = TRY(key_changes(db_, {Repository::Image, root->version},
                                   keys_listed_by(*published_.root()), keys_listed_by(*root), now_));
  change.entries.insert(change.entries.begin(), std::move(transcript));
  change.root = &root;
  change.asks_fleet = !is_out;
  change.targets = std::move(targets);
  std::set<RoleName> dropped = TRY(droppable(*root));
  if (!dropped.empty()) {
    json::Array names;
    for (const RoleName& role : without_bins(dropped)) names.emplace_back(role.value());
    change.details.set("dropped", std::move(names));
  }
  change.snapshot = next_snapshot(numbers, std::move(listed), std::move(dropped));
  repository::Batch batch(layout_);
  return publish(numbers, std::move(change), batch, signers);
}

/// What the snapshot need not list under this root. Whoever follows it there has nothing left to compare
/// with.
Result<std::set<RoleName>> RepositoryWriter::droppable(const model::Root& next) {
  const model::Root& now = *published_.root();
  std::set<RoleName> names;
  if (!replaces_keys(now, next, model::snapshot_role()) || !replaces_keys(now, next, model::timestamp_role()))
    return names;
  for (const RoleName& role : TRY(suppliers_let_go(db_, published_, layout_))) {
    if (published_.listed(role)) names.insert(role);
  }
  return names;
}

Result<PublishedVersions> RepositoryWriter::renew(Snapshot snapshot, const OnlineSigners& signers) {
  ReleaseNumbers numbers;
  Change change;
  if (snapshot == Snapshot::Renew) {
    numbers = TRY(reserve({}));
    change.snapshot = next_snapshot(numbers, {});
  } else {
    const auto fresh = TRY(storage::VersionJournal(db_).reserve(
        kImages, {{model::timestamp_role(), (*published_.timestamp())->version}}));
    numbers.timestamp = fresh.front();
  }
  repository::Batch batch(layout_);
  return publish(numbers, std::move(change), batch, signers);
}

Result<PublishedVersions> RepositoryWriter::publish(const ReleaseNumbers& numbers, Change change,
                                                    repository::Batch& batch, const OnlineSigners& signers) {
  const model::Snapshot& last_snapshot = **published_.snapshot();
  const model::Timestamp& last_timestamp = **published_.timestamp();
  PublishedVersions versions{change.targets ? *change.targets->version : (*published_.targets())->version,
                             last_snapshot.version, numbers.timestamp};
  std::vector<ledger::Entry> entries = std::move(change.entries);
  if (auto spent = spent_before(numbers, change)) entries.insert(entries.begin(), *std::move(spent));
  if (change.targets) {
    for (ledger::Entry& entry : TRY(judge_targets(*change.targets))) entries.push_back(std::move(entry));
  }
  Publication files;
  files.reserve(4);  // for they are read and written while the last is made
  const trust::Verified<model::Root>* const root = change.root;
  if (root != nullptr) {
    const ByteView bytes = root->wire();
    files.push_back({model::root_role(), (*root)->version, Bytes(bytes.begin(), bytes.end())});
  }
  if (change.targets) files.push_back(*std::move(change.targets));
  repository::NextSnapshot* const snapshot = change.snapshot.get();
  if (snapshot != nullptr) {
    versions.snapshot = numbers.snapshot;
    versions.dropped = without_bins(snapshot->dropped());
    // What is there already must be renewed for whoever can verify it.
    const bool is_renewal = root == nullptr && snapshot->listed().empty();
    const model::Root& judge = root != nullptr ? **root : *published_.root();
    if (!is_renewal && change.asks_fleet)
      TRY(check_fleet(files, snapshot->draft().canonical(), signers, judge));
    TRY(snapshot->draft().sign(*signers.snapshot));
    files.push_back({model::snapshot_role(), versions.snapshot, snapshot->draft().wire()});
  }
  // A large snapshot takes a while to be played: meanwhile the disk works on what has no name yet.
  std::optional<Result<repository::Prepared>> written;
  std::jthread writing([this, &written, &batch, all = std::span<const NewFile>(files)] {
    written.emplace(repository::Prepared::write(layout_, all, batch));
  });
  const model::FileMeta listed_snapshot = snapshot != nullptr
                                              ? repository::meta_of(versions.snapshot, files.back().wire)
                                              : last_timestamp.snapshot;
  const model::Timestamp timestamp = repository::next_timestamp(last_timestamp, versions.timestamp,
                                                                now_ + lifetimes_.timestamp, listed_snapshot);
  Bytes wire = TRY(signed_by(timestamp, *signers.timestamp));
  COTTER_ASSERT(files.size() < files.capacity());
  files.push_back({model::timestamp_role(), std::nullopt, std::move(wire)});
  entries.push_back(
      TRY(publication_entry(files, versions, listed_snapshot, std::move(change.details), signers)));
  TRY(root != nullptr ? repository::rehearse_root(layout_, published_, files, now_)
                      : repository::rehearse_next(
                            published_, files, [&] { return snapshot->take_content(); }, now_));
  writing.join();
  repository::Prepared prepared = TRY(*std::move(written));
  TRY(note_publication(entries, signers));
  TRY(prepared.show(files.back()));
  // It is published, whether the note can be made or not; else the next writer makes it.
  static_cast<void>(storage::VersionJournal(db_).note_shown(kImages, versions.timestamp));
  return versions;
}

/// No other writer is at work, and this one's numbers begin where the last failure ended: whatever lies
/// between what is published and them was spent for nobody.
std::optional<ledger::Entry> RepositoryWriter::spent_before(const ReleaseNumbers& numbers,
                                                            const Change& change) const {
  const model::Snapshot& snapshot = **published_.snapshot();
  std::vector<VersionStep> steps;
  for (std::size_t i = 0; i < change.releases.size(); ++i)
    steps.push_back({change.releases[i], newest_of(snapshot, change.releases[i]), numbers.releases[i]});
  if (change.snapshot) steps.push_back({model::snapshot_role(), snapshot.version, numbers.snapshot});
  steps.push_back({model::timestamp_role(), (*published_.timestamp())->version, numbers.timestamp});
  return spent_entry(Repository::Image, std::string(name_of(Repository::Image)), steps, now_);
}

/// Asked before the snapshot is signed: a role may have handed in since the holders signed.
Result<std::vector<ledger::Entry>> RepositoryWriter::judge_targets(const NewFile& file) {
  const VouchedTargets next = TRY(read_vouched(file.wire));
  TRY(check_delegated(db_, published_, layout_, next.targets));
  const model::Targets& before = **published_.targets();
  auto entries = TRY(key_changes(db_, {Repository::Image, *file.version}, keys_listed_by(before.delegations),
                                 keys_listed_by(next.targets.delegations), now_));
  entries.push_back(transcript_of(before, next, now_));
  return entries;
}

/// Asked before the snapshot, whose canonical form this is, is signed: a signing process notes what it lists
/// and signs none that lists less, so that bins which are published by nobody would be in the way of all to
/// come. `root` is the newest that vehicles will have then.
Result<void> RepositoryWriter::check_fleet(const Publication& files, ByteView snapshot,
                                           const OnlineSigners& signers, const model::Root& root) {
  Demands demands;
  const auto will_be_signed = [&](const RoleName& role, std::uint64_t bytes, const crypto::Signer& by) {
    demands.push_back(demand_of_signatures(Repository::Image, role, bytes, {by.public_key().computed_id()},
                                           root.roles.at(role), root.keys));
  };
  will_be_signed(model::snapshot_role(),
                 size_when_signed(snapshot.size(), root.roles.at(model::snapshot_role()), root.keys),
                 *signers.snapshot);
  will_be_signed(model::timestamp_role(), published_.timestamp()->wire().size(), *signers.timestamp);
  for (const NewFile& file : files) {
    if (file.role == model::root_role()) continue;  // its ceremony has asked
    const std::vector<KeyId> keyids = TRY(signers_of(file, signers));
    demands.push_back(demand_of_signatures(Repository::Image, file.role, file.wire.size(), keyids,
                                           root.roles.at(file.role), root.keys));
  }
  return refuse_unverifiable(db_, demands);
}

Result<ledger::Entry> RepositoryWriter::publication_entry(const Publication& files,
                                                          const PublishedVersions& versions,
                                                          const model::FileMeta& snapshot,
                                                          json::Object details,
                                                          const OnlineSigners& signers) const {
  json::Array listed;
  for (const NewFile& file : files) {
    // The timestamp alone has no version in its name.
    const Version version = file.version.value_or(versions.timestamp);
    const std::vector<KeyId> keyids = TRY(signers_of(file, signers));
    // The snapshot may be large, and the timestamp gives its hash.
    const Bytes* sha256 = nullptr;
    if (file.role == model::snapshot_role()) {
      COTTER_ASSERT(snapshot.hashes);
      sha256 = snapshot.hashes->find(crypto::HashFunction::Sha256);
    }
    listed.emplace_back(hashed_file_details(file.role, version,
                                            sha256 != nullptr ? *sha256 : crypto::sha256(file.wire), keyids));
  }
  details.set("files", std::move(listed));
  return ledger::Entry{std::string(ledger::kPublication), now_, acting_account(),
                       std::string(name_of(Repository::Image)), std::move(details)};
}

/// Of a delegated role's file that is published; one that cannot be read lists none, as for a vehicle.
std::vector<ListedKey> RepositoryWriter::keys_below(const RoleName& role) const {
  const auto listed = published_.listed(role);
  if (!listed) return {};
  const auto file = host::read_file(layout_.metadata(role, listed->version), operations::kMaxPaperBytes);
  return file ? keys_listed_in(*file).value_or(std::vector<ListedKey>()) : std::vector<ListedKey>();
}

Result<void> RepositoryWriter::note_publication(const std::vector<ledger::Entry>& entries,
                                                const OnlineSigners& signers) {
  auto transaction = TRY(host::Transaction::begin(db_));
  for (const ledger::Entry& entry : entries) TRY(record(db_, entry));
  TRY(transaction.commit());
  return sign_ledger(db_, signers.ledger, now_);
}

}  // namespace cotter::app
