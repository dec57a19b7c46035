#include "server/app/renew_repository.h"

#include <utility>

#include "common/model/roles.h"
#include "server/app/forecast.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

bool is_due(UtcTime expires, std::chrono::seconds lifetime, UtcTime now) {
  return expires - now < lifetime / 4;
}

struct Due {
  bool timestamp;
  bool snapshot;
};

Due due_of(const trust::TrustedSet& published, const Lifetimes& lifetimes, UtcTime now) {
  return {is_due((*published.timestamp())->expires, lifetimes.timestamp, now),
          is_due((*published.snapshot())->expires, lifetimes.snapshot, now)};
}

}  // namespace

Result<std::optional<PublishedVersions>> renew_repository(const Workspace& workspace,
                                                          const OnlineSignersFor& signers, UtcTime now) {
  const Lifetimes& lifetimes = workspace.settings().image;
  const auto look = [&](const trust::TrustedSet& published) { return due_of(published, lifetimes, now); };
  const Due seen = look(TRY(repository::read_as_client(workspace.repo_dir(), repository::kBeforeAnyExpiry)));
  if (!seen.timestamp && !seen.snapshot) return std::optional<PublishedVersions>();

  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  const Due due = look(writer.published());  // somebody may have published before we had the lock
  if (!due.timestamp && !due.snapshot) return std::optional<PublishedVersions>();
  const auto snapshot = due.snapshot ? RepositoryWriter::Snapshot::Renew : RepositoryWriter::Snapshot::Keep;
  return std::optional<PublishedVersions>(
      TRY(writer.renew(snapshot, TRY(signers(*writer.published().root())))));
}

Result<std::optional<OverdueRenewal>> overdue_renewal(const Workspace& workspace, UtcTime now) {
  const auto published = TRY(repository::read_as_client(workspace.repo_dir(), repository::kBeforeAnyExpiry));
  const Due due = due_of(published, workspace.settings().image, now - kRenewalSlack);
  std::optional<OverdueRenewal> first;
  if (due.timestamp) first = {model::timestamp_role(), (*published.timestamp())->expires};
  const UtcTime snapshot = (*published.snapshot())->expires;
  if (due.snapshot && (!first || snapshot < first->expires)) first = {model::snapshot_role(), snapshot};
  return first;
}

}  // namespace cotter::app
