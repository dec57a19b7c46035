#include "server/app/repository_writer.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "common/crypto/digest.h"
#include "common/model/roles.h"
#include "common/trust/draft.h"
#include "server/app/record.h"
#include "server/repository/publisher.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"

namespace cotter::app {
namespace {

using namespace std::chrono_literals;
using repository::NewFile;
using repository::Publication;

constexpr auto kWaitForOther = 15s;
constexpr auto kAskAgain = 20ms;

const storage::Series kImages{Repository::Image, std::nullopt};

Result<void> make_incoming(const repository::Layout& layout) {
  auto made = host::make_dir(layout.incoming_dir(), host::kSecretDir);
  if (!made && is_fault(made.error(), Fault::Kind::Conflict)) return {};
  return made;
}

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
std::string targets_subject() {
  return std::string(name_of(Repository::Image)) + "/" + model::targets_role().value();
}

/// What is to be signed: of these bytes the signatures are no part.
json::Object draft_details(Version version, ByteView canonical) {
  return {{"version", version.value()}, {"signed_sha256", to_hex(crypto::sha256(canonical))}};
}

template <class T>
Result<Bytes> signed_by(const T& content, crypto::Signer& signer) {
  trust::Draft<T> draft(content);
  TRY(draft.sign(signer));
  return draft.wire();
}

}  // namespace

Result<RepositoryWriter> RepositoryWriter::open(const Workspace& workspace, UtcTime now) {
  repository::Layout layout(workspace.repo_dir());
  TRY(make_incoming(layout));
  host::FileLock lock = TRY(wait_for_lock(layout));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  trust::TrustedSet published = TRY(repository::read_as_client(layout.dir(), repository::kBeforeAnyExpiry));
  TRY(repository::clean_up(layout, published));
  return RepositoryWriter(std::move(lock), std::move(db), std::move(layout), std::move(published),
                          workspace.settings().image, now);
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

Result<PublishedVersions> RepositoryWriter::publish_targets(Version version, Bytes wire,
                                                            const OnlineSigners& signers) {
  return publish(NewFile{model::targets_role(), version, std::move(wire)}, Snapshot::Renew, signers);
}

Result<PublishedVersions> RepositoryWriter::renew(Snapshot snapshot, const OnlineSigners& signers) {
  return publish(std::nullopt, snapshot, signers);
}

Result<PublishedVersions> RepositoryWriter::publish(std::optional<NewFile> targets, Snapshot snapshot,
                                                    const OnlineSigners& signers) {
  const model::Snapshot& last_snapshot = **published_.snapshot();
  const model::Timestamp& last_timestamp = **published_.timestamp();
  PublishedVersions versions{targets ? *targets->version : (*published_.targets())->version,
                             last_snapshot.version, last_timestamp.version};
  std::vector<storage::NextOf> spent{{model::timestamp_role(), versions.timestamp}};
  if (snapshot == Snapshot::Renew) spent.push_back({model::snapshot_role(), versions.snapshot});
  const std::vector<Version> fresh = TRY(storage::VersionJournal(db_).reserve(kImages, spent));
  versions.timestamp = fresh.front();

  Publication files;
  model::FileMeta listed_snapshot = last_timestamp.snapshot;
  model::FileMeta listed_targets = last_snapshot.meta.at(model::targets_role());
  if (targets) {
    listed_targets = repository::meta_of(versions.targets, targets->wire);
    files.push_back(*std::move(targets));
  }
  if (snapshot == Snapshot::Renew) {
    versions.snapshot = fresh.back();
    const model::Snapshot next = repository::next_snapshot(last_snapshot, versions.snapshot,
                                                           now_ + lifetimes_.snapshot, listed_targets);
    Bytes wire = TRY(signed_by(next, *signers.snapshot));
    files.push_back({model::snapshot_role(), versions.snapshot, std::move(wire)});
    listed_snapshot = repository::meta_of(versions.snapshot, files.back().wire);
  }
  const model::Timestamp next = repository::next_timestamp(last_timestamp, versions.timestamp,
                                                           now_ + lifetimes_.timestamp, listed_snapshot);
  Bytes wire = TRY(signed_by(next, *signers.timestamp));
  files.push_back({model::timestamp_role(), std::nullopt, std::move(wire)});
  TRY(repository::rehearse(layout_, published_, files, now_));
  TRY(note_publication(files, versions, signers.ledger));
  for (const NewFile& file : files) TRY(repository::write_file(layout_, file));
  return versions;
}

Result<void> RepositoryWriter::note_publication(const Publication& files, const PublishedVersions& versions,
                                                crypto::Signer* ledger_key) {
  json::Array details;
  for (const NewFile& file : files) {
    // The timestamp alone has no version in its name.
    const Version version = file.version.value_or(versions.timestamp);
    details.emplace_back(TRY(signed_file_details(file.role, version, file.wire)));
  }
  const ledger::Entry entry{std::string(ledger::kPublication), now_, acting_account(),
                            std::string(name_of(Repository::Image)),
                            json::Object{{"files", std::move(details)}}};
  auto transaction = TRY(host::Transaction::begin(db_));
  TRY(record(db_, entry));
  TRY(sign_ledger(db_, ledger_key, now_));
  return transaction.commit();
}

}  // namespace cotter::app
