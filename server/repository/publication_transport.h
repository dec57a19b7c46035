// A repository as it would be with some new files on top: for rehearsals.
// Never writes. One thread.
#pragma once

#include "common/trust/seams.h"
#include "server/repository/commit.h"

namespace cotter::repository {

class PublicationTransport final : public trust::Transport {
 public:
  /// Both must outlive it; `below` may be nullptr: nothing there yet.
  PublicationTransport(const Publication& publication, trust::Transport* below)
      : publication_(&publication), below_(below) {}
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override;

 private:
  const Publication* publication_;
  trust::Transport* below_;
};

}  // namespace cotter::repository
