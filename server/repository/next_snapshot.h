// The snapshot that is published next, made on another thread from the moment its list is known, and read
// again there as a client will read it: both while what it lists is written. Never signs. One thread.
#pragma once

#include <latch>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "common/model/roles.h"
#include "common/trust/content_ahead.h"
#include "common/trust/draft.h"

namespace cotter::repository {

class NextSnapshot {
 public:
  using Listed = std::map<RoleName, model::FileMeta>;

  /// `last`, with what is `listed` in place of what it lists of the same roles, without those `dropped`.
  NextSnapshot(const model::Snapshot& last, Version version, UtcTime expires, Listed listed,
               std::set<RoleName> dropped = {});
  NextSnapshot(const NextSnapshot&) = delete;
  NextSnapshot& operator=(const NextSnapshot&) = delete;

  [[nodiscard]] const Listed& listed() const noexcept { return listed_; }
  [[nodiscard]] const std::set<RoleName>& dropped() const noexcept { return dropped_; }
  /// To be signed. Waits for it.
  trust::Draft<model::Snapshot>& draft();
  /// What was read of it. Waits for it. Once.
  std::optional<trust::ContentAhead> take_content();

 private:
  void make(const model::Snapshot& last, Version version, UtcTime expires);
  const Listed listed_;
  const std::set<RoleName> dropped_;
  std::latch drafted_{1};
  std::optional<trust::Draft<model::Snapshot>> draft_;
  std::optional<trust::ContentAhead> content_;
  std::jthread making_;
};

}  // namespace cotter::repository
