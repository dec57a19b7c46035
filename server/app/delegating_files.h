// Which published files let a role be signed, while the ledger's publications are read one after the other.
// Never verifies: a file counts as it was published. Pure. One thread.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/base/strong.h"
#include "common/model/roles.h"
#include "server/app/published_files.h"

namespace cotter::app {

/// A published file that lets another be signed, as it was in force.
struct DelegatingFile {
  Step publication;
  RoleName role;
  Version version;
};

class DelegatingFiles {
 public:
  /// The newest of its role from now on.
  void note(const PublishedFile& file, const std::optional<model::Delegations>& delegations);
  /// Those that lead from the targets to the role, the targets first; none where nothing leads there.
  [[nodiscard]] std::vector<DelegatingFile> to(const RoleName& role) const;

 private:
  struct Newest {
    DelegatingFile file;
    std::optional<model::Delegations> delegations;
  };
  std::map<RoleName, Newest> newest_;
};

}  // namespace cotter::app
