// A repository as if some keys had never signed, and could not sign again: what still holds, what can be
// renewed. Never changes anything. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/trust/seams.h"
#include "server/app/director_roots.h"

namespace cotter::app {

struct RoleWithout {
  Repository repository{};
  RoleName role;
  RoleName delegator;  ///< root: a top-level role
  std::uint32_t threshold = 0;
  std::uint32_t keys = 0;
  std::uint32_t keys_left = 0;
  /// That the verification core takes its live file, these signatures left out, and it has not ended.
  /// Nothing: no file was looked at, or the role has published none yet.
  std::optional<bool> holds;
  std::string why;                 ///< it does not hold, in a line
  std::optional<UtcTime> expires;  ///< of the live file; of bins, or a director's sets, the first to end
  std::uint64_t vehicles = 0;      ///< of a director's sets: how many do not hold
  [[nodiscard]] bool is_renewable() const noexcept { return keys_left >= threshold; }
  [[nodiscard]] bool is_sound() const noexcept { return is_renewable() && holds.value_or(true); }
};

/// The director, where it is looked at too.
struct DirectorWithout {
  const DirectorRoots* roots = nullptr;
  host::Db* sets = nullptr;  ///< nullptr: the vehicles' sets are not looked at
};

/// All roles of the image repository that `transport` leads to, as delegated by each of their delegators,
/// then those of the director. A signature of a key with one of the materials of `removed` is taken out
/// before the file is verified, by itself: a file without it has another hash, and what lists the file would
/// have to be signed anew. Roots hold when the whole chain does, as a vehicle fresh from the factory follows
/// it. Of bins, which are one role here, each is read and must hold. `now`: what has ended by then does not
/// hold. Faults: those of reading. Rejections: those of a client of the repository as it is.
Result<std::vector<RoleWithout>> check_without(trust::Transport& transport, const DirectorWithout& director,
                                               const std::set<std::string>& removed, UtcTime now);

}  // namespace cotter::app
