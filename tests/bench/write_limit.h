// The limit that a release is held against: its images read, hashed and durably written by one who does
// nothing else, as quickly as we can, with a release's batches of syncs. Never signs, never writes metadata.
// On as many threads as a release has.
#pragma once

#include <filesystem>
#include <vector>

#include "common/base/result.h"
#include "server/app/release_manifest.h"

namespace cotter::bench {

struct Limit {
  double us = 0;        ///< all of it, each part beside the others where it need not wait
  double hash_us = 0;   ///< reading and hashing alone
  double write_us = 0;  ///< writing alone, of what is in memory
};

/// Writes below `dir`, which it makes, two names an image: vehicles ask by either hash. As in a release no
/// image has a name before its bytes are durable: one sync for the data of all, then the names, then one for
/// each folder. Fault: Io.
Result<Limit> limit_of(const std::filesystem::path& dir, const std::vector<app::Artifact>& images);

}  // namespace cotter::bench
