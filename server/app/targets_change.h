// A change of the image repository's targets, which only their holders sign: signed on the spot, or left in a
// bundle that waits for them. Never loses a change that waits: the next one joins it. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "common/model/roles.h"
#include "server/app/repository_writer.h"
#include "server/app/workspace.h"
#include "server/ceremony/offline_bundle.h"

namespace cotter::app {

/// Who signs, and for how long.
struct TargetsSigning {
  std::vector<crypto::Signer*> holders{};  ///< image targets keys at hand; may be fewer than the threshold
  /// Asked for once enough holders have signed: unlocking the online keys may need a person.
  std::function<Result<OnlineSigners>()> online;
  std::optional<std::chrono::seconds> targets_lifetime{};  ///< of the targets file; none: the workspace's
};

struct TargetsOutcome {
  enum class State : std::uint8_t {
    Published,
    Awaiting,   ///< signatures are missing: they go into `bundle`
    Unchanged,  ///< published so already
  };
  State state = State::Unchanged;
  PublishedVersions versions;      ///< Published, Unchanged; Awaiting: of the targets alone
  std::filesystem::path bundle{};  ///< Awaiting
  std::string sha256{};            ///< Awaiting: of what is to be signed
  std::uint32_t signatures = 0;    ///< by distinct holders, so far
  std::uint32_t threshold = 0;
  std::optional<std::string> lacking{};  ///< Awaiting: the class of keys that is short of signatures
  /// What the holders sign for, a line a change: those that waited before too.
  std::vector<std::string> summary{};
};

/// A bundle of targets for the keys that `root`, the last of `roots`, lists: it follows `published`.
void base_on(ceremony::OfflineBundle& bundle, std::vector<std::string> roots, const model::Root& root,
             const trust::Verified<model::Targets>& published);

class TargetsChange {
 public:
  /// Finds the bundle that waits; others are spent, and go. All three must outlive it. Faults: Conflict (a
  /// damaged bundle), Denied, Io.
  static Result<TargetsChange> begin(const Workspace& workspace, RepositoryWriter& writer,
                                     const TargetsSigning& signing);

  /// Takes the signatures of a copy of the bundle that waits, and tells the ledger of the new ones
  /// that count. Faults:
  /// NotFound (nothing waits), Conflict (it is a copy of something else, or based on something else),
  /// NoSpace, Io.
  Result<void> take(const ceremony::OfflineBundle& copy);

  /// What the next targets file starts from: the published one, or the one that waits.
  [[nodiscard]] const model::Targets& listed() const;

  /// Whether the fleet could verify it, and what its delegated roles have published by it, which finish()
  /// asks before anybody signs. Fault: Denied (which generations or roles could not).
  [[nodiscard]] Result<void> check(const model::Targets& next) const;

  /// Signs `next`, which is listed() and the change that `line` tells of; without a line it is listed() as it
  /// stands, to which the holders add their signatures. Faults: Denied (a holder's key is not one of the
  /// role's; part of the fleet could not verify it, or check_delegated()), those of the signers, NoSpace, Io.
  /// Rejections: those of a client. Whatever fails, clients see the old state.
  Result<TargetsOutcome> finish(model::Targets next, const std::optional<std::string>& line);

 private:
  /// A targets file that is not published yet: what it says, and the bundle it waits in.
  struct Waiting {
    ceremony::OfflineBundle bundle;
    model::Targets targets;
  };
  TargetsChange(const Workspace& workspace, RepositoryWriter& writer, const TargetsSigning& signing,
                std::optional<Waiting> waiting)
      : workspace_(&workspace), writer_(&writer), signing_(&signing), waiting_(std::move(waiting)) {}
  static Result<std::optional<Waiting>> judge_bundle(RepositoryWriter& writer,
                                                     const std::filesystem::path& file);
  static Result<void> base_on_published(RepositoryWriter& writer, const std::filesystem::path& file,
                                        ceremony::OfflineBundle& bundle);
  static Result<std::optional<Waiting>> find_waiting(RepositoryWriter& writer,
                                                     const std::filesystem::path& pending_dir);
  [[nodiscard]] TargetsOutcome unchanged() const;
  Result<Waiting> draft(model::Targets next, const std::optional<std::string>& line);
  Result<TargetsOutcome> sign(Waiting next);
  Result<void> add_signature(crypto::Signer& holder, ByteView canonical, ceremony::OfflineBundle& bundle);
  Result<TargetsOutcome> wait(const ceremony::OfflineBundle& bundle, bool replaces, TargetsOutcome outcome);

  const Workspace* workspace_;
  RepositoryWriter* writer_;
  const TargetsSigning* signing_;
  std::optional<Waiting> waiting_;
};

}  // namespace cotter::app
