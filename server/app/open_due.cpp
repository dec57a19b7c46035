#include "server/app/open_due.h"

#include <utility>

#include "common/model/roles.h"
#include "server/app/root_ceremony.h"
#include "server/app/targets_ceremony.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

bool is_due(UtcTime expires, std::chrono::seconds lifetime, UtcTime now) {
  return expires - now <= lifetime / 5;
}

Result<bool> waits(const Workspace& workspace, Repository repository, const RoleName& role,
                   Version published) {
  for (const auto& file : TRY(ceremony::bundles_in(workspace.pending_dir(), repository, role))) {
    const auto bundle = TRY(ceremony::OfflineBundle::read(file));
    if (bundle.version > published) return true;
  }
  return false;
}

Result<void> open_root(const Workspace& workspace, Repository repository, UtcTime now,
                       std::vector<DueCeremony>& opened) {
  const bool is_image = repository == Repository::Image;
  const Lifetimes& lifetimes = is_image ? workspace.settings().image : workspace.settings().director;
  const auto root = TRY(repository::newest_root(
      repository::Layout(is_image ? workspace.repo_dir() : workspace.director_dir())));
  if (!is_due(root->expires, lifetimes.root, now)) return {};
  if (TRY(waits(workspace, repository, model::root_role(), root->version))) return {};
  RootWish wish;
  wish.repository = repository;
  wish.replaces = true;  // what lies there is spent
  const OpenCeremony ceremony = TRY(open_root_ceremony(workspace, wish, now));
  opened.push_back({std::string(name_of(repository)) + " root", ceremony.bundle, root->expires});
  return {};
}

Result<void> open_targets(const Workspace& workspace, UtcTime now, std::vector<DueCeremony>& opened) {
  const auto published = TRY(repository::read_as_client(workspace.repo_dir(), repository::kBeforeAnyExpiry));
  const model::Targets& targets = **published.targets();
  if (!is_due(targets.expires, workspace.settings().image.targets, now)) return {};
  if (TRY(waits(workspace, Repository::Image, model::targets_role(), targets.version))) return {};
  const TargetsOutcome outcome = TRY(open_targets_ceremony(workspace, {}, {}, now));
  opened.push_back({"image targets", outcome.bundle, targets.expires});
  return {};
}

}  // namespace

Result<std::vector<DueCeremony>> open_due_ceremonies(const Workspace& workspace, UtcTime now) {
  std::vector<DueCeremony> opened;
  TRY(open_root(workspace, Repository::Director, now, opened));
  TRY(open_root(workspace, Repository::Image, now, opened));
  TRY(open_targets(workspace, now, opened));
  return opened;
}

}  // namespace cotter::app
