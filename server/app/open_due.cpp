#include "server/app/open_due.h"

#include <optional>
#include <system_error>
#include <utility>

#include "common/model/roles.h"
#include "server/app/key_history.h"
#include "server/app/root_ceremony.h"
#include "server/app/targets_ceremony.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"

namespace cotter::app {
namespace {

Result<FileTimes> published_in(const Workspace& workspace) {
  std::error_code ignored;
  if (!std::filesystem::exists(workspace.db_path(), ignored)) return FileTimes();
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  return read_publication_times(db);
}

/// A damaged bundle is in nobody's way while a good one waits.
Result<bool> waits(const Workspace& workspace, Repository repository, const RoleName& role,
                   Version published) {
  std::optional<Error> damage;
  for (const auto& file : TRY(ceremony::bundles_in(workspace.pending_dir(), repository, role))) {
    const auto bundle = ceremony::OfflineBundle::read(file);
    if (bundle && bundle->version > published) return true;
    if (!bundle) damage = bundle.error();
  }
  if (damage) return fail(*std::move(damage));
  return false;
}

class Round {
 public:
  Round(const Workspace& workspace, UtcTime now) : workspace_(&workspace), now_(now) {}

  CeremonyRound run() {
    for (const Repository repository : {Repository::Director, Repository::Image}) {
      keep(std::string(name_of(repository)) + " root",
           [&](const std::string& what) { return open_root(what, repository); });
    }
    keep("image targets", [&](const std::string& what) { return open_targets(what); });
    return std::move(round_);
  }

 private:
  template <class Open>
  void keep(std::string what, const Open& open) {
    if (Result<void> done = open(what); !done) {
      round_.missed.push_back({std::move(what), std::move(done).error()});
    }
  }

  /// Whether it is time, and nothing waits. The ledger is read once.
  Result<bool> is_due(Repository repository, const RoleName& role, Version version, UtcTime expires) {
    if (!published_) published_ = TRY(published_in(*workspace_));
    const UtcTime begins =
        life_begins(*published_, workspace_->settings(), repository, role, version, expires);
    if (expires - now_ > (expires - begins) / 5) return false;
    return !TRY(waits(*workspace_, repository, role, version));
  }

  Result<void> open_root(const std::string& what, Repository repository) {
    const repository::Layout layout(repository == Repository::Image ? workspace_->repo_dir()
                                                                    : workspace_->director_dir());
    const auto root = TRY(repository::newest_root(layout));
    if (!TRY(is_due(repository, model::root_role(), root->version, root->expires))) return {};
    RootWish wish;
    wish.repository = repository;
    const OpenCeremony ceremony = TRY(open_root_ceremony(*workspace_, wish, now_));
    round_.opened.push_back({what, ceremony.bundle, root->expires});
    return {};
  }

  Result<void> open_targets(const std::string& what) {
    const auto published =
        TRY(repository::read_as_client(workspace_->repo_dir(), repository::kBeforeAnyExpiry));
    const model::Targets& targets = **published.targets();
    if (!TRY(is_due(Repository::Image, model::targets_role(), targets.version, targets.expires))) return {};
    const TargetsOutcome outcome = TRY(open_targets_ceremony(*workspace_, {}, {}, now_));
    round_.opened.push_back({what, outcome.bundle, targets.expires});
    return {};
  }

  const Workspace* workspace_;
  UtcTime now_;
  std::optional<FileTimes> published_;
  CeremonyRound round_;
};

}  // namespace

CeremonyRound open_due_ceremonies(const Workspace& workspace, UtcTime now) {
  return Round(workspace, now).run();
}

}  // namespace cotter::app
