// The first files of both repositories: version-1 roots, and the image repository's first, empty targets.
// Never hands out a file that a client would refuse. Pure but for the signers: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "server/repository/commit.h"

namespace cotter::repository {

/// Who signs for a role: all of these sign what is made here; any `threshold` of them will do later.
struct RoleSigners {
  std::vector<crypto::Signer*> signers;
  std::uint32_t threshold = 1;
};

/// For a director only `root` signs here; of the other roles the keys go into the root.
struct FirstKeys {
  RoleSigners root, targets, snapshot, timestamp;
  RoleSigners time_source{};  ///< of a director (FMT-32); without a signer the root lists none
};

struct FirstLifetimes {
  std::chrono::seconds root, targets, snapshot, timestamp;
};

/// 1.root.json, 1.targets.json (empty), 1.snapshot.json and timestamp.json: ready for write_file(), in order.
/// Rejections: those of a client (a threshold above the number of distinct keys, one key twice, …). Faults of
/// the signers.
Result<Publication> make_image_repository(const FirstKeys& keys, const FirstLifetimes& lifetimes,
                                          UtcTime now);

/// A director's 1.root.json, the same for all vehicles. As above.
Result<NewFile> make_director_root(const FirstKeys& keys, std::chrono::seconds lifetime, UtcTime now);

}  // namespace cotter::repository
