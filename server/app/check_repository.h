// Is this repository healthy? What a vehicle would make of it, role by role and image by image.
// Never changes anything, never believes more than a vehicle would. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "server/repository/source.h"

namespace cotter::app {

struct RoleHealth {
  RoleName role;
  Version version;
  UtcTime expires{};
  std::uint32_t signatures = 0;  ///< valid ones of distinct keys of the role
  std::uint32_t keys = 0;        ///< that may sign
  std::uint32_t threshold = 0;
  enum class Life : std::uint8_t { Fresh, EndsSoon, Expired };
  Life life = Life::Fresh;
};

struct RepositoryHealth {
  std::vector<RoleHealth> roles;  ///< as far as they verified; delegated ones too
  std::size_t images = 0;         ///< listed
  std::uint64_t image_bytes = 0;  ///< read, all copies counted
  std::vector<std::string> problems;
  std::vector<std::string> warnings;
  [[nodiscard]] bool healthy() const noexcept { return problems.empty(); }
};

/// Reads from the first root, as a vehicle fresh from the factory at `now`; then every delegated role and
/// every image under each of its names. What is wrong is in the answer, and what is unwise in the
/// delegations. `progress` is told how many of their bytes are read, and of how many. Faults: those of a
/// source that holds no repository at all (NotFound), or cannot be reached.
Result<RepositoryHealth> check_repository(repository::Source& source, UtcTime now,
                                          const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace cotter::app
