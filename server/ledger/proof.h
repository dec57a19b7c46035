// A proof that one entry is in the log: the entry, its path to the root, and the checkpoint that signs it.
// Never says more than was checked: without the log's key it proves nothing. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/json/value.h"
#include "server/ledger/checkpoint.h"
#include "server/ledger/entry.h"
#include "server/ledger/merkle.h"

namespace cotter::ledger {

/// The largest entry, escaped and indented, with its path and checkpoint.
inline constexpr std::size_t kMaxProofBytes = std::size_t{1024} * 1024;

struct Proof {
  std::uint64_t index = 0;
  Entry entry;
  std::vector<Hash> path;  ///< from the leaf's sibling upward
  std::string checkpoint;  ///< the signed note

  [[nodiscard]] json::Value encode() const;
  /// Rejections: json-*, member-*. Fault: Denied (another type, a hash that is none, an entry that is none).
  static Result<Proof> decode(ByteView document);
  /// The checkpoint, once `key` is seen to have signed it and the path to lead to its root. Fault: Denied.
  [[nodiscard]] Result<Checkpoint> verify(const VerifierKey& key) const;
};

}  // namespace cotter::ledger
