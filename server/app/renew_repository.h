// Keeps a published image repository fresh: signs snapshot and timestamp anew before vehicles call them
// expired. Never touches targets or roots: those are their holders' business. One thread.
#pragma once

#include <functional>
#include <optional>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "server/app/repository_writer.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Those whose keys a root lists. Faults: as keys::Signers::listed().
using OnlineSignersFor = std::function<Result<OnlineSigners>(const model::Root& root)>;

/// Renews what has less than a quarter of its life left: the timestamp alone, or the snapshot too. Nothing:
/// not due yet, and nothing was locked or written. Faults and Rejections: those of RepositoryWriter.
Result<std::optional<PublishedVersions>> renew_repository(const Workspace& workspace,
                                                          const OnlineSignersFor& signers, UtcTime now);

/// A file that somebody should have renewed.
struct OverdueRenewal {
  RoleName role;
  UtcTime expires{};
};

/// What is due by cotter.toml's lifetimes for longer than kRenewalSlack, the first to end: for who has no
/// keys to renew it. Nothing: all is in time. Faults: NotFound, Denied, Io. Rejections: those of a client.
Result<std::optional<OverdueRenewal>> overdue_renewal(const Workspace& workspace, UtcTime now);

}  // namespace cotter::app
