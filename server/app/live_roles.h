// The roles of live metadata: whose keys sign them, until when they are good, which ECUs they are for.
// Never changes anything, and asks for no key. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"
#include "server/app/requirement.h"

namespace cotter::app {

struct LiveRole {
  Repository repository{};
  RoleName role;       ///< of hash bins: what their names begin with
  RoleName delegator;  ///< root: a top-level role
  std::uint32_t threshold = 0;
  std::vector<SigningKey> keys;  ///< each once
  model::KeyRing ring;           ///< what each of them is, by the id that it has here
  /// Nothing where the root alone is known: of a director's other roles each vehicle has its own files; and
  /// where the file cannot be read.
  std::optional<Version> version;
  std::optional<UtcTime> expires;                   ///< of bins: of the first to end
  std::optional<std::vector<HardwareId>> hardware;  ///< that the delegations on the way leave; none: any
  bool is_bins = false;                             ///< all hash bins of `delegator`, as one
  [[nodiscard]] bool may_sign(const SigningKey& key) const { return find(key) != nullptr; }
  /// As this role calls it; nullptr where it lists none of this material.
  [[nodiscard]] const SigningKey* find(const SigningKey& key) const;
  /// Of the image repository, and no bins: the snapshot lists one file of it, once there is one.
  [[nodiscard]] bool is_delegated() const;
  /// "image/brakes"
  [[nodiscard]] std::string id() const;
};

/// Of the director's root (nullptr: of none), then of the image repository from its root down; a role that
/// two others delegate to stands there twice. A delegated role whose file cannot be read as a vehicle would
/// leads no further. Faults: those of reading, but NotFound.
Result<std::vector<LiveRole>> live_roles(trust::TrustedSet image, trust::Transport& transport,
                                         const trust::Verified<model::Root>* director);

}  // namespace cotter::app
