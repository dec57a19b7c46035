#include "server/repository/next_snapshot.h"

#include <utility>

#include "server/repository/publisher.h"

namespace cotter::repository {

NextSnapshot::NextSnapshot(const model::Snapshot& last, Version version, UtcTime expires, Listed listed,
                           std::set<RoleName> dropped)
    : listed_(std::move(listed)),
      dropped_(std::move(dropped)),
      making_([this, last, version, expires] { make(last, version, expires); }) {}

void NextSnapshot::make(const model::Snapshot& last, Version version, UtcTime expires) {
  draft_.emplace(next_snapshot(last, version, expires, listed_, dropped_));
  drafted_.count_down();
  content_ = trust::ContentAhead::read(draft_->canonical());
}

trust::Draft<model::Snapshot>& NextSnapshot::draft() {
  drafted_.wait();
  return *draft_;
}

std::optional<trust::ContentAhead> NextSnapshot::take_content() {
  if (making_.joinable()) making_.join();
  return std::exchange(content_, std::nullopt);
}

}  // namespace cotter::repository
