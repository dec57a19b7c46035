// Keeps a published image repository fresh: signs snapshot and timestamp anew before vehicles call them
// expired. Never touches targets or roots: those are their holders' business. The keeper has a thread of its
// own; everything else is one thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "common/base/result.h"
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

/// Calls renew_repository() at once and then every few minutes, until it goes. The signers must outlive it.
class RepositoryKeeper {
 public:
  /// Far less than a quarter of the shortest life that a workspace can set (an hour).
  static constexpr std::chrono::minutes kInterval{5};
  using Report = std::function<void(const Result<std::optional<PublishedVersions>>&)>;

  RepositoryKeeper(Workspace workspace, OnlineSignersFor signers, const Clock& clock, Report report);
  ~RepositoryKeeper() = default;  ///< asks the thread to stop and waits for it
  RepositoryKeeper(const RepositoryKeeper&) = delete;
  RepositoryKeeper& operator=(const RepositoryKeeper&) = delete;

 private:
  void keep(const std::stop_token& stop);
  Workspace workspace_;
  OnlineSignersFor signers_;
  const Clock* clock_;
  Report report_;  ///< called on the keeper's thread
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< last: it must not run before the rest is there, nor after it
};

}  // namespace cotter::app
