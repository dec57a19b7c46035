// A release role: a delegation whose targets lie in hashed bins (TAP 15), so that a change of one target
// costs one bin. Its own file holds the bins' keys and no target; the bins hold the targets and nothing else.
// Never signs, never does I/O. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/model/roles.h"
#include "common/trust/verified.h"

namespace cotter::repository {

/// A bin of 128 targets weighs about 60 kB; with more the bins outweigh the snapshot that lists them, with
/// fewer the snapshot outweighs a bin.
inline constexpr std::uint64_t kTargetsPerBin = 128;
inline constexpr std::uint32_t kMostBits = 14;  ///< a snapshot of 16,384 bins is 0.5 MB

/// How many bits keep `expected_targets` at about kTargetsPerBin a bin: 1 to kMostBits.
std::uint32_t bits_for(std::uint64_t expected_targets);

/// What a release role is made with; it keeps all of it but the bit length, which may grow.
struct ReleaseRolePlan {
  RoleName name;
  std::vector<std::string> paths;
  std::vector<HardwareId> hardware_ids;  ///< none: any
  std::uint32_t bit_length = 1;
  crypto::PublicKey key;
};

/// The name can be a role's, and those of its bins too; there are paths; hardware ids are identifiers; 1 to
/// kMostBits bits. Fault: Usage.
Result<void> check_plan(const ReleaseRolePlan& plan);

/// The entry in targets, terminating, and the key beside it: nothing behind it is asked for its paths.
/// Fault: Conflict (the role is there and is another; its paths are also those of another role; targets
/// have bins themselves). false: it is there already.
Result<bool> add_delegation(model::Targets& targets, const ReleaseRolePlan& plan);

/// The role's own file.
model::Targets role_file(const ReleaseRolePlan& plan, Version version, UtcTime expires);
model::Targets empty_bin(Version version, UtcTime expires);

/// 2^bit_length.
std::uint64_t bin_count(const model::SuccinctRoles& bins);

/// The entry of `role` in targets. Fault: NotFound (there is none, or it is one of several that must agree).
Result<const model::DelegatedRole*> find_delegation(const model::Targets& targets, const RoleName& role);
/// The bins that the role's file delegates to. Fault: NotFound (it has none).
Result<const model::SuccinctRoles*> find_bins(const model::Targets& file, const RoleName& role);

}  // namespace cotter::repository
