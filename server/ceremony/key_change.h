// Keys in and out of roles, and their thresholds: the next root, or a targets file with delegations changed.
// Never metadata that could not be used: too few keys for a threshold, one key in two roles. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/keystore/key_record.h"
#include "common/model/roles.h"

namespace cotter::ceremony {

struct KeyChange {
  struct Added {
    RoleName role;
    crypto::PublicKey key;
    std::optional<keystore::KeyInfo>
        record{};  ///< where it came with one: its name and store, for the ledger
  };
  struct Removed {
    RoleName role;
    KeyId key;
  };
  std::vector<Added> add{};
  std::vector<Removed> remove{};
  std::map<RoleName, std::uint32_t> thresholds{};
  std::map<RoleName, std::optional<model::ClassThresholds>> classes{};  ///< nothing: no longer any
  [[nodiscard]] bool empty() const noexcept {
    return add.empty() && remove.empty() && thresholds.empty() && classes.empty();
  }
};

/// `current` with the change, one version higher. Keys that no role lists any more are gone from it. Faults:
/// NotFound (a role that is not there, a key that the role does not list), Conflict (the key serves a role
/// already, KEY-2), Usage (a threshold of 0, or above the number of keys, or above those of a class).
Result<model::Root> next_root(const model::Root& current, const KeyChange& change, UtcTime expires);

/// `current` with its delegations' keys changed; version and expiry stay. Faults: as next_root().
Result<model::Targets> with_delegation_keys(const model::Targets& current, const KeyChange& change);

}  // namespace cotter::ceremony
