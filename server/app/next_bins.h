// What a supplier with hashed bins (TAP 15) signs next: the bins that change, and its own file where that
// does. Never signs, never believes a file that does not verify. Pure, but for read_split_role(). One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/model/roles.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"
#include "server/app/delegation_intake.h"
#include "server/app/submission_bundle.h"

namespace cotter::app {

/// A supplier's role as it is delegated to, and what is published of it.
struct SplitRole {
  RoleName name;
  std::uint32_t bit_length = 0;  ///< as the holders of targets signed it
  model::RoleKeys keys{};        ///< of the delegation: they sign its own file, and each bin
  model::KeyRing ring{};         ///< those keys
  Version newest{0};             ///< of its own file and all bins; 0: nothing is published
  const model::Targets* own = nullptr;
  PublishedFiles bins{};

  /// As its own file has to say it.
  [[nodiscard]] model::Delegations delegations() const;
  /// All that its bins list, as one.
  [[nodiscard]] model::Targets listed() const;
};

/// Of files that `set` shares; nothing where the entry in targets, which must be there, says nothing of bins.
/// Faults: Usage (more bins than any supplier has), those of reading. Rejections: those of a client.
Result<std::optional<SplitRole>> read_split_role(trust::TrustedSet& set, trust::Transport& transport,
                                                 const RoleName& name);

struct NextBins {
  UtcTime now{};
  UtcTime expires{};    ///< of what is signed
  bool renews = false;  ///< everything, whether it changes or not
  Version least{1};     ///< that it gets; a higher one where there is
};

/// `next`: all that its bins are to list. Its own file first, where there is none yet, the keys have changed,
/// or half of its life would be over; then each bin that changes, that was never published, or that the keys
/// of the delegation did not sign; one file for all those that list nothing. All have the version after the
/// newest, or the least that is asked for.
std::vector<SubmissionBundle::Metadata> next_metadata(const SplitRole& role, const model::Targets& next,
                                                      const NextBins& how);

/// A bundle that came from somebody else lets nobody sign but whom the holders let, and lists no image but
/// those that whoever signs reads: its own file says what `role` has to, and no more; each other is of bins
/// of the role, none of them twice, lets nobody sign, and has its images where vehicles look for them. Fault:
/// Denied.
Result<void> check_bundle(const SplitRole& role, const SubmissionBundle& bundle);

}  // namespace cotter::app
