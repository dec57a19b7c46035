#include "server/ledger/merkle.h"

#include <algorithm>
#include <bit>

#include "common/crypto/digest.h"

namespace cotter::ledger {
namespace {

constexpr std::uint8_t kLeafPrefix = 0x00;
constexpr std::uint8_t kNodePrefix = 0x01;

Hash finish(crypto::Hasher& hasher) {
  const Bytes digest = hasher.finish();
  Hash hash;
  std::copy(digest.begin(), digest.end(), hash.begin());
  return hash;
}

/// Where section 2.1.1 splits more than one leaf: the largest power of two below `count`.
std::uint64_t split_of(std::uint64_t count) { return std::bit_floor(count - 1); }

/// MTH of the `count` > 0 leaves from `begin` on, which begin where a complete subtree may.
Result<Hash> range_hash(std::uint64_t begin, std::uint64_t count, const HashReader& read) {
  if (std::has_single_bit(count)) {
    const auto level = static_cast<std::uint32_t>(std::countr_zero(count));
    return read(Subtree{level, begin >> level});
  }
  const std::uint64_t left = split_of(count);
  const Hash left_hash = TRY(range_hash(begin, left, read));
  const Hash right_hash = TRY(range_hash(begin + left, count - left, read));
  return node_hash(left_hash, right_hash);
}

/// SUBPROOF of section 2.1.4.1 over the `count` leaves from `begin` on, of which `old_count` are of the old
/// tree. `is_whole`: the old tree is no more than these, so that its root is known.
Result<void> add_subproof(std::uint64_t begin, std::uint64_t old_count, std::uint64_t count, bool is_whole,
                          const HashReader& read, std::vector<Hash>& proof) {
  if (old_count == count) {
    if (!is_whole) proof.push_back(TRY(range_hash(begin, count, read)));
    return {};
  }
  const std::uint64_t left = split_of(count);
  if (old_count <= left) {
    TRY(add_subproof(begin, old_count, left, is_whole, read, proof));
    proof.push_back(TRY(range_hash(begin + left, count - left, read)));
    return {};
  }
  TRY(add_subproof(begin + left, old_count - left, count - left, false, read, proof));
  proof.push_back(TRY(range_hash(begin, left, read)));
  return {};
}

/// Steps over the levels at which the last node is moved up unhashed, having no sibling.
void skip_lonely_levels(std::uint64_t& node, std::uint64_t& last) {
  while ((node & 1U) == 0 && node != 0) {
    node >>= 1U;
    last >>= 1U;
  }
}

}  // namespace

Hash leaf_hash(ByteView entry) {
  crypto::Hasher hasher(crypto::HashFunction::Sha256);
  hasher.update(ByteView(&kLeafPrefix, 1));
  hasher.update(entry);
  return finish(hasher);
}

Hash node_hash(const Hash& left, const Hash& right) {
  crypto::Hasher hasher(crypto::HashFunction::Sha256);
  hasher.update(ByteView(&kNodePrefix, 1));
  hasher.update(left);
  hasher.update(right);
  return finish(hasher);
}

Hash empty_root() {
  crypto::Hasher hasher(crypto::HashFunction::Sha256);
  return finish(hasher);
}

Result<std::vector<Node>> append(std::uint64_t size, const Hash& leaf, const HashReader& read) {
  COTTER_ASSERT(size < kMaxSize);
  std::vector<Node> completed{{{0, size}, leaf}};
  // A right child completes its parent.
  while ((completed.back().subtree.index & 1U) == 1) {
    const Node right = completed.back();
    const Hash left = TRY(read(Subtree{right.subtree.level, right.subtree.index - 1}));
    completed.push_back({{right.subtree.level + 1, right.subtree.index >> 1U}, node_hash(left, right.hash)});
  }
  return completed;
}

Result<Hash> root(std::uint64_t size, const HashReader& read) {
  COTTER_ASSERT(size <= kMaxSize);
  if (size == 0) return empty_root();
  return range_hash(0, size, read);
}

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const HashReader& read) {
  COTTER_ASSERT(index < size && size <= kMaxSize);
  std::vector<Hash> proof;  // from the root downward first
  std::uint64_t begin = 0;
  for (std::uint64_t count = size; count > 1;) {
    const std::uint64_t left = split_of(count);
    if (index < begin + left) {
      proof.push_back(TRY(range_hash(begin + left, count - left, read)));
      count = left;
    } else {
      proof.push_back(TRY(range_hash(begin, left, read)));
      begin += left;
      count -= left;
    }
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

bool verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf, std::span<const Hash> proof,
                      const Hash& root) {
  if (index >= size) return false;
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  Hash hash = leaf;
  for (const Hash& sibling : proof) {
    if (last == 0) return false;
    if ((node & 1U) == 1 || node == last) {
      hash = node_hash(sibling, hash);
      if ((node & 1U) == 0) skip_lonely_levels(node, last);
    } else {
      hash = node_hash(hash, sibling);
    }
    node >>= 1U;
    last >>= 1U;
  }
  return last == 0 && hash == root;
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t old_size, std::uint64_t size,
                                            const HashReader& read) {
  COTTER_ASSERT(old_size <= size && size <= kMaxSize);
  std::vector<Hash> proof;
  if (old_size != 0) TRY(add_subproof(0, old_size, size, true, read, proof));
  return proof;
}

bool verify_consistency(std::uint64_t old_size, const Hash& old_root, std::uint64_t size, const Hash& root,
                        std::span<const Hash> proof) {
  if (old_size > size) return false;
  if (old_size == 0) return proof.empty() && old_root == empty_root();
  if (old_size == size) return proof.empty() && old_root == root;
  if (proof.empty()) return false;
  std::uint64_t node = old_size - 1;
  std::uint64_t last = size - 1;
  while ((node & 1U) == 1) {
    node >>= 1U;
    last >>= 1U;
  }
  // An old tree that is one complete subtree is its own first hash.
  const bool starts_at_old_root = std::has_single_bit(old_size);
  Hash old_hash = starts_at_old_root ? old_root : proof.front();
  Hash hash = old_hash;
  for (const Hash& next : proof.subspan(starts_at_old_root ? 0 : 1)) {
    if (last == 0) return false;
    if ((node & 1U) == 1 || node == last) {
      old_hash = node_hash(next, old_hash);
      hash = node_hash(next, hash);
      if ((node & 1U) == 0) skip_lonely_levels(node, last);
    } else {
      hash = node_hash(hash, next);
    }
    node >>= 1U;
    last >>= 1U;
  }
  return last == 0 && old_hash == old_root && hash == root;
}

}  // namespace cotter::ledger
