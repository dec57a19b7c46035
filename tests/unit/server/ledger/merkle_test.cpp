#include "server/ledger/merkle.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>

#include "tests/unit/server/ledger/memory_log.h"

namespace {

using namespace cotter;
using namespace cotter::ledger;
using test::MemoryLog;
using test::numbered_log;

constexpr std::uint64_t kAllSizes = 70;

/// The eight inputs that implementations of Certificate Transparency test with.
constexpr std::array kClassicInputs = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
/// Roots of the first one, two, … of them (certificate-transparency-go, merkle tree tests).
constexpr std::array kClassicRoots = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

MemoryLog classic_log() {
  MemoryLog log;
  for (const char* input : kClassicInputs) log.add(*from_hex(input));
  return log;
}

std::vector<std::string> in_hex(const std::vector<Hash>& proof) {
  std::vector<std::string> hashes;
  hashes.reserve(proof.size());
  for (const Hash& hash : proof) hashes.push_back(to_hex(hash));
  return hashes;
}

/// MTH as section 2.1.1 defines it, over the entries themselves.
Hash naive_root(std::span<const Bytes> entries) {
  if (entries.empty()) return empty_root();
  if (entries.size() == 1) return leaf_hash(entries[0]);
  std::size_t split = 1;
  while (split * 2 < entries.size()) split *= 2;
  return node_hash(naive_root(entries.first(split)), naive_root(entries.subspan(split)));
}

/// Every proof with one bit changed, one hash missing, one too many, or two exchanged.
std::vector<std::vector<Hash>> tampered(const std::vector<Hash>& proof) {
  std::vector<std::vector<Hash>> all;
  for (std::size_t i = 0; i < proof.size(); ++i) {
    all.push_back(proof);
    all.back()[i][i % kHashSize] ^= 0x10U;
    all.push_back(proof);
    all.back().erase(all.back().begin() + static_cast<std::ptrdiff_t>(i));
    if (i > 0) {
      all.push_back(proof);
      std::swap(all.back()[i], all.back()[i - 1]);
    }
  }
  all.push_back(proof);
  all.back().push_back(empty_root());
  all.push_back(proof);
  all.back().insert(all.back().begin(), empty_root());
  return all;
}

TEST(Merkle, RootsOfTheClassicInputsAreThoseOfOthers) {
  EXPECT_EQ(to_hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  MemoryLog log = classic_log();
  for (std::size_t size = 1; size <= kClassicRoots.size(); ++size) {
    EXPECT_EQ(to_hex(log.root(size)), kClassicRoots.at(size - 1)) << size;
  }
}

TEST(Merkle, InclusionProofsOfTheClassicInputsAreThoseOfOthers) {
  MemoryLog log = classic_log();
  const auto proof = [&](std::uint64_t index, std::uint64_t size) {
    return in_hex(inclusion_proof(index, size, log.reader()).value());
  };
  EXPECT_EQ(proof(0, 1), std::vector<std::string>{});
  EXPECT_EQ(proof(0, 8),
            (std::vector<std::string>{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(proof(5, 8),
            (std::vector<std::string>{"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                                      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                                      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(proof(2, 3),
            (std::vector<std::string>{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}));
}

TEST(Merkle, ConsistencyProofsOfTheClassicInputsAreThoseOfOthers) {
  MemoryLog log = classic_log();
  const auto proof = [&](std::uint64_t old_size, std::uint64_t size) {
    return in_hex(consistency_proof(old_size, size, log.reader()).value());
  };
  EXPECT_EQ(proof(1, 1), std::vector<std::string>{});
  EXPECT_EQ(proof(1, 8),
            (std::vector<std::string>{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}));
  EXPECT_EQ(proof(6, 8),
            (std::vector<std::string>{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                                      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                                      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}));
  EXPECT_EQ(proof(2, 5),
            (std::vector<std::string>{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}));
}

TEST(Merkle, RootIsThatOfTheDefinitionAtEverySize) {
  MemoryLog log = numbered_log(kAllSizes);
  for (std::uint64_t size = 0; size <= kAllSizes; ++size) {
    EXPECT_EQ(log.root(size), naive_root(std::span(log.entries).first(size))) << size;
  }
}

TEST(Merkle, EveryEntryIsProvenInEveryTree) {
  MemoryLog log = numbered_log(kAllSizes);
  for (std::uint64_t size = 1; size <= kAllSizes; ++size) {
    const Hash root = log.root(size);
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(index, size, log.reader()).value();
      const Hash leaf = leaf_hash(log.entries[index]);
      ASSERT_TRUE(verify_inclusion(index, size, leaf, proof, root)) << index << " of " << size;
      ASSERT_FALSE(verify_inclusion(index, size, empty_root(), proof, root));
      ASSERT_FALSE(verify_inclusion(index, size, leaf, proof, empty_root()));
    }
  }
}

TEST(Merkle, InclusionProofHoldsForItsOwnIndexAlone) {
  MemoryLog log = numbered_log(kAllSizes);
  for (std::uint64_t index = 0; index < kAllSizes; ++index) {
    const auto proof = inclusion_proof(index, kAllSizes, log.reader()).value();
    const Hash leaf = leaf_hash(log.entries[index]);
    for (std::uint64_t other = 0; other <= kAllSizes; ++other) {
      ASSERT_EQ(verify_inclusion(other, kAllSizes, leaf, proof, log.root()), other == index)
          << index << " as " << other;
    }
  }
}

TEST(Merkle, TamperedInclusionProofFails) {
  MemoryLog log = numbered_log(kAllSizes);
  for (std::uint64_t size = 1; size <= kAllSizes; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = inclusion_proof(index, size, log.reader()).value();
      for (const auto& wrong : tampered(proof)) {
        ASSERT_FALSE(verify_inclusion(index, size, leaf_hash(log.entries[index]), wrong, log.root(size)));
      }
    }
  }
}

TEST(Merkle, EveryTreeIsProvenToBeginWithEveryOlderOne) {
  MemoryLog log = numbered_log(kAllSizes);
  for (std::uint64_t size = 0; size <= kAllSizes; ++size) {
    for (std::uint64_t old_size = 0; old_size <= size; ++old_size) {
      const auto proof = consistency_proof(old_size, size, log.reader()).value();
      ASSERT_TRUE(verify_consistency(old_size, log.root(old_size), size, log.root(size), proof))
          << old_size << " in " << size;
    }
  }
}

TEST(Merkle, TamperedConsistencyProofFails) {
  MemoryLog log = numbered_log(kAllSizes);
  for (std::uint64_t size = 1; size <= kAllSizes; ++size) {
    for (std::uint64_t old_size = 1; old_size <= size; ++old_size) {
      const Hash old_root = log.root(old_size);
      const Hash root = log.root(size);
      const auto proof = consistency_proof(old_size, size, log.reader()).value();
      for (const auto& wrong : tampered(proof)) {
        ASSERT_FALSE(verify_consistency(old_size, old_root, size, root, wrong)) << old_size << " in " << size;
      }
      ASSERT_FALSE(verify_consistency(old_size, empty_root(), size, root, proof));
      ASSERT_FALSE(verify_consistency(old_size, old_root, size, empty_root(), proof));
    }
  }
}

TEST(Merkle, ForkIsNotConsistentWithWhatItLeft) {
  MemoryLog log = numbered_log(kAllSizes);
  for (std::uint64_t changed = 0; changed < kAllSizes; ++changed) {
    MemoryLog fork;
    for (std::uint64_t i = 0; i < kAllSizes; ++i)
      fork.add(i == changed ? to_bytes("forged") : log.entries[i]);
    for (std::uint64_t old_size = 1; old_size <= kAllSizes; ++old_size) {
      const auto proof = consistency_proof(old_size, kAllSizes, fork.reader()).value();
      ASSERT_EQ(verify_consistency(old_size, log.root(old_size), kAllSizes, fork.root(), proof),
                old_size <= changed)
          << "entry " << changed << " forged, seen up to " << old_size;
    }
  }
}

TEST(Merkle, ALargerTreeIsNoBeginningOfASmallerOne) {
  MemoryLog log = numbered_log(8);
  EXPECT_FALSE(verify_consistency(8, log.root(8), 5, log.root(5), {}));
  EXPECT_FALSE(verify_consistency(0, log.root(5), 5, log.root(5), {})) << "no leaves have another root";
}

TEST(Merkle, AppendingAndProvingTakeFewReads) {
  constexpr std::uint64_t kSize = 5000;
  MemoryLog log;
  for (std::uint64_t i = 0; i < kSize; ++i) log.add("entry " + std::to_string(i));
  EXPECT_LT(log.reads, kSize) << "to append: less than one an entry";
  constexpr std::uint64_t kLevels = std::bit_width(kSize);
  for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{2500}, kSize - 1}) {
    log.reads = 0;
    ASSERT_TRUE(inclusion_proof(index, kSize, log.reader()));
    EXPECT_LE(log.reads, 2 * kLevels) << index;
    log.reads = 0;
    ASSERT_TRUE(consistency_proof(index, kSize, log.reader()));
    EXPECT_LE(log.reads, 2 * kLevels) << index;
  }
}

}  // namespace
