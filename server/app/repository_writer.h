// The one writer of a workspace's image repository: holds the lock, knows what is published, publishes the
// next. Never signs a number twice, never publishes what a client would refuse. One thread; at most one at a
// time in the world, which the lock sees to.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "common/host/atomic_file.h"
#include "common/host/sqlite.h"
#include "common/json/value.h"
#include "common/trust/trusted_set.h"
#include "server/app/key_changes.h"
#include "server/app/workspace.h"
#include "server/ledger/entry.h"
#include "server/ledger/log_signer.h"
#include "server/repository/batch.h"
#include "server/repository/commit.h"
#include "server/repository/layout.h"
#include "server/repository/next_snapshot.h"
#include "server/storage/sqlite/version_journal.h"

namespace cotter::app {

/// The image repository's online keys, and the ledger's. They must outlive the call they are given to.
struct OnlineSigners {
  crypto::Signer* snapshot = nullptr;
  crypto::Signer* timestamp = nullptr;
  ledger::LogSigner* ledger = nullptr;  ///< none: the ledger goes on unsigned
};

struct PublishedVersions {
  Version targets;
  Version snapshot;
  Version timestamp;
  std::set<RoleName> dropped{};  ///< which the snapshot lists no more; their bins are not among them
};

/// A release's numbers: for each role one, which all the bins have that it touches, and those of what lists
/// them.
struct ReleaseNumbers {
  std::vector<Version> releases;  ///< in the order that the roles were given in
  Version snapshot;
  Version timestamp;
};

/// A counter that a release lists for a hardware id.
using ReleaseCounters = std::map<HardwareId, ReleaseCounter>;

/// A role's part in a release, and what the ledger is to tell of it.
struct RoleRelease {
  RoleName role;
  json::Object details;
};

/// Files of a delegated role, signed and written to a batch, all of one version. The snapshot lists bins by
/// that alone, and the role's own file by its hash too: the same key signs both, and a bin of the own file's
/// version could stand in for it.
struct DelegatedFiles {
  RoleName of;  ///< the role whose bins they are
  Version version;
  std::map<RoleName, Bytes> files{};  ///< each with the SHA-256 of its bytes
  std::uint64_t most_bytes = 0;       ///< of any one of them
  std::uint64_t own_bytes = 0;        ///< of the role's own file, where that is one of them
};

class RepositoryWriter {
 public:
  /// Waits for another writer to end, some seconds at most. Reads what is published as a client would, but
  /// for expiry, and removes what a killed writer left, and what removed suppliers did. `now` is the time of
  /// all that follows. Faults: Busy (another writes and goes on writing), NotFound (no repository here),
  /// Conflict (what is there is older than what was published), Denied, NoSpace, Io. Rejections: those of a
  /// client.
  static Result<RepositoryWriter> open(const Workspace& workspace, UtcTime now);

  /// The same, as if this root and those after it were not there: for who publishes that root, perhaps anew
  /// after somebody was killed between it and the timestamp that its keys sign.
  static Result<RepositoryWriter> open_before(const Workspace& workspace, UtcTime now, Version root);

  [[nodiscard]] const repository::Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] const trust::TrustedSet& published() const noexcept { return published_; }
  [[nodiscard]] UtcTime now() const noexcept { return now_; }
  [[nodiscard]] host::Db& db() noexcept { return db_; }
  /// The number that the next targets file may have.
  Result<Version> next_targets_version();
  /// To be called before anybody signs them: this version stands for these canonical bytes from now on. The
  /// ledger tells of it.
  Result<void> note_targets(Version version, ByteView canonical);
  /// A holder signed them: for the ledger.
  Result<void> note_signature(Version version, ByteView canonical, const KeyId& keyid);
  Result<bool> targets_stand_for(Version version, ByteView canonical);

  /// Publishes a signed targets file with a new snapshot and timestamp. The images in it are there already.
  /// The ledger tells of it, with the transcript, before a client can see it: killed in between, it tells of
  /// files that nobody ever saw. Faults: of the signers, those of check_delegated(), Conflict, NoSpace,
  /// Denied, Io. Rejections: those of a client. Whatever fails, clients see the old state.
  Result<PublishedVersions> publish_targets(Version version, Bytes wire, const OnlineSigners& signers);
  /// Publishes the next root with a new snapshot and timestamp, and with `targets` where those that are
  /// published do not verify under it. Played as a vehicle fresh from the factory and as a current one. Where
  /// it replaces all keys of snapshot and timestamp, the names of suppliers that nobody lets sign any more
  /// leave the snapshot (IMG-13). Of the signers those that this root lists. The ledger gets its ceremony's
  /// `transcript` with the publication. Whoever calls has asked whether the fleet can verify the root itself.
  /// `is_out`: clients have the root already, and no refusal would help them: the fleet is not asked.
  /// As publish_targets(), but that a client may see the root before the timestamp: where their keys change
  /// it tries again then.
  Result<PublishedVersions> publish_root(const trust::Verified<model::Root>& root,
                                         std::optional<repository::NewFile> targets, ledger::Entry transcript,
                                         const OnlineSigners& signers, bool is_out = false);
  /// Before a release is signed: its numbers, spent for good when this returns. In the same transaction the
  /// ledger tells what they are for, and `counters` are noted, which count once the timestamp is published.
  /// Of several roles: one entry of the ledger each.
  Result<ReleaseNumbers> begin_release(std::vector<RoleRelease> roles, const ReleaseCounters& counters);
  /// Begins to make the snapshot that lists these files of each role of the release, while they are signed
  /// and written.
  [[nodiscard]] std::unique_ptr<repository::NextSnapshot> begin_snapshot(
      const ReleaseNumbers& numbers, const std::vector<std::vector<RoleName>>& files) const;
  /// Publishes delegated files of one role or several with a new snapshot, which lists them by version alone,
  /// and timestamp. They are in `batch`, for their names in the repository; nothing of them is visible before
  /// all is. `snapshot`: what begin_snapshot() gave for these very files. As publish_targets().
  Result<PublishedVersions> publish_release(const ReleaseNumbers& numbers,
                                            const std::vector<DelegatedFiles>& releases,
                                            repository::Batch& batch, const OnlineSigners& signers,
                                            std::unique_ptr<repository::NextSnapshot> snapshot = nullptr);
  /// Publishes the next file of a delegated role, whose own keys signed `wire`, which says `canonical`, with
  /// a new snapshot and timestamp. The images in it are in `batch`. `counters` as with begin_release().
  /// Whoever calls has judged the file: only a client that searches reads it. As publish_targets().
  struct DelegatedFile {
    RoleName role;
    Version version;
    Bytes wire;
    Bytes canonical;
  };
  Result<PublishedVersions> publish_delegated(DelegatedFile file, const ReleaseCounters& counters,
                                              repository::Batch& batch, const OnlineSigners& signers);
  /// The same of a supplier with hashed bins: those of its bins that change, and its own file where that
  /// does, all of one version, each listed with its length and hash, as any supplier's file: who signs them
  /// is offline. All of them become visible together.
  struct DelegatedBins {
    struct File {
      std::vector<RoleName> roles{};  ///< the bins whose file it is; none: the supplier's own
      Bytes wire{};
    };
    RoleName of;
    Version version;
    std::vector<File> files;
    Bytes canonical;  ///< what the version stands for
  };
  Result<PublishedVersions> publish_bins(const DelegatedBins& bins, const ReleaseCounters& counters,
                                         repository::Batch& batch, const OnlineSigners& signers);
  /// What is published now, after a publication by this writer. Rejections and Faults: as open().
  Result<void> read_anew();
  /// After a publication that leads to some supplier no more: reads anew, and takes out of the repository
  /// what it left there. What cannot be removed now does no harm, and the next writer tries again. Rejections
  /// and Faults: as open().
  Result<void> clear_let_go();
  /// Publishes a new timestamp, and with `Snapshot::Renew` a new snapshot, for the targets there are.
  enum class Snapshot : std::uint8_t { Keep, Renew };
  Result<PublishedVersions> renew(Snapshot snapshot, const OnlineSigners& signers);

 private:
  RepositoryWriter(host::FileLock lock, host::Db db, repository::Layout layout, trust::TrustedSet published,
                   const Workspace& workspace, UtcTime now)
      : lock_(std::move(lock)),
        db_(std::move(db)),
        layout_(std::move(layout)),
        published_(std::move(published)),
        removed_dir_(workspace.removed_dir()),
        lifetimes_(workspace.settings().image),
        now_(now) {}
  static Result<RepositoryWriter> open(const Workspace& workspace, UtcTime now, Version roots_below);
  Result<void> check_newest();
  Result<void> clean_up();
  Result<ReleaseNumbers> reserve(std::vector<storage::NextOf> roles);
  /// A version that others have signed, and what it is to stand for. A view.
  struct Promised {
    RoleName role;
    Version version;
    ByteView canonical;
    const ReleaseCounters* counters = nullptr;
  };
  Result<void> promise(const Promised& promised, Version timestamp);
  Result<std::set<RoleName>> droppable(const model::Root& next);
  /// What changes below the timestamp, and what the ledger says of it besides its files.
  struct Change {
    const trust::Verified<model::Root>* root = nullptr;
    bool asks_fleet = true;
    std::optional<repository::NewFile> targets{};
    std::unique_ptr<repository::NextSnapshot> snapshot{};  ///< none: it stays
    std::vector<RoleName> releases{};                      ///< whose bins they are, in the numbers' order
    json::Object details{};
    /// A root's transcript, and the keys that come and go; what there is of targets judge_targets() adds.
    std::vector<ledger::Entry> entries{};
  };
  [[nodiscard]] std::unique_ptr<repository::NextSnapshot> next_snapshot(
      const ReleaseNumbers& numbers, repository::NextSnapshot::Listed listed,
      std::set<RoleName> dropped = {}) const;
  Result<PublishedVersions> publish(const ReleaseNumbers& numbers, Change change, repository::Batch& batch,
                                    const OnlineSigners& signers);
  Result<PublishedVersions> publish_promised(const Promised& promised,
                                             repository::NextSnapshot::Listed listed, Change change,
                                             repository::Batch& batch, const OnlineSigners& signers);
  /// What the ledger tells of the list: the keys that come and go, its transcript.
  [[nodiscard]] Result<std::vector<ledger::Entry>> judge_targets(const repository::NewFile& file);
  Result<void> check_fleet(const repository::Publication& files, ByteView snapshot,
                           const OnlineSigners& signers, const model::Root& root);
  Result<ledger::Entry> publication_entry(const repository::Publication& files,
                                          const PublishedVersions& versions, const model::FileMeta& snapshot,
                                          json::Object details, const OnlineSigners& signers) const;
  /// What the ledger tells of numbers that are left out.
  [[nodiscard]] std::optional<ledger::Entry> spent_before(const ReleaseNumbers& numbers,
                                                          const Change& change) const;
  [[nodiscard]] std::vector<ListedKey> keys_below(const RoleName& role) const;
  Result<void> note_publication(const std::vector<ledger::Entry>& entries, const OnlineSigners& signers);

  host::FileLock lock_;
  host::Db db_;
  repository::Layout layout_;
  trust::TrustedSet published_;
  std::filesystem::path removed_dir_;
  Lifetimes lifetimes_;
  UtcTime now_;
};

}  // namespace cotter::app
