// The Merkle tree over a log's entries (RFC 9162 section 2.1, SHA-256): its root, and proofs about it.
// Never reads an entry, never keeps a tree: hashes of complete subtrees come from whoever stores them. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::ledger {

inline constexpr std::size_t kHashSize = 32;
using Hash = std::array<std::uint8_t, kHashSize>;

/// More entries than any log has; sums of sizes stay within 64 bits.
inline constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 62U;

Hash leaf_hash(ByteView entry);                       ///< SHA-256(0x00 || entry)
Hash node_hash(const Hash& left, const Hash& right);  ///< SHA-256(0x01 || left || right)
Hash empty_root();                                    ///< SHA-256 of nothing

/// Names a complete subtree: that over the leaves from `index` * 2^`level` on, 2^`level` of them.
struct Subtree {
  std::uint32_t level = 0;
  std::uint64_t index = 0;
  friend bool operator==(const Subtree&, const Subtree&) = default;
};
struct Node {
  Subtree subtree;
  Hash hash{};
};

/// Gives the hash of a complete subtree of the tree in question.
using HashReader = std::function<Result<Hash>(const Subtree&)>;

/// The subtrees that leaf number `size` completes, from itself upward: amortised two, with as many reads
/// less one. Errors: those of `read`.
Result<std::vector<Node>> append(std::uint64_t size, const Hash& leaf, const HashReader& read);

/// MTH of the first `size` leaves, by at most log2(size) + 1 reads. Errors: those of `read`.
Result<Hash> root(std::uint64_t size, const HashReader& read);

/// PATH(index, D[size]) of section 2.1.3.1, from the leaf's sibling upward; `index` < `size`. Some
/// 2 log2(size) reads. Errors: those of `read`.
Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const HashReader& read);
/// Section 2.1.3.2: whether `proof` shows that leaf `index` of the tree of `size` leaves with that root is
/// `leaf`.
bool verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, std::span<const Hash> proof,
                      const Hash& root);

/// PROOF(old_size, D[size]) of section 2.1.4.1; `old_size` <= `size`. Empty where either says all by itself:
/// from no leaves, and between equal sizes. Some 2 log2(size) reads. Errors: those of `read`.
Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                            const HashReader& read);
/// Section 2.1.4.2: whether `proof` shows that the tree of `size` leaves begins with all leaves of the old
/// one. From no leaves: when `old_root` is that of an empty tree, and nothing needs proof.
bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root,
                        std::span<const Hash> proof);

}  // namespace cotter::ledger
