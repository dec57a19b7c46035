#include "server/ledger/tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/unit/server/ledger/memory_log.h"

namespace {

using namespace cotter;
using namespace cotter::ledger;
using test::MemoryLog;
using test::numbered_log;
using Paths = std::vector<std::string>;

Paths paths_of(std::uint64_t size) {
  Paths paths;
  EXPECT_TRUE(for_each_tile(size, [&](const Tile& tile) -> Result<void> {
    paths.push_back(tile.path());
    return {};
  }));
  return paths;
}

std::map<std::string, Bytes> files_of(MemoryLog& log) {
  std::map<std::string, Bytes> files;
  const EntryReader entries = [&](std::uint64_t index) -> Result<Bytes> { return log.entries.at(index); };
  EXPECT_TRUE(for_each_tile(log.entries.size(), [&](const Tile& tile) -> Result<void> {
    files[tile.path()] = TRY(tile_bytes(tile, log.reader(), entries));
    return {};
  }));
  return files;
}

std::vector<Hash> hashes_in(const Bytes& tile) {
  std::vector<Hash> hashes(tile.size() / kHashSize);
  for (std::size_t i = 0; i < tile.size(); ++i) hashes[i / kHashSize][i % kHashSize] = tile[i];
  return hashes;
}

/// As a reader of tiles makes a root, from the definition alone.
Hash root_over(std::span<const Hash> hashes) {
  if (hashes.size() == 1) return hashes[0];
  std::size_t split = 1;
  while (split * 2 < hashes.size()) split *= 2;
  return node_hash(root_over(hashes.first(split)), root_over(hashes.subspan(split)));
}

TEST(Tiles, ArePathsOfThreeDigits) {
  EXPECT_EQ((Tile{Tile::Kind::Hashes, 0, 0, 256}).path(), "tile/0/000");
  EXPECT_EQ((Tile{Tile::Kind::Hashes, 2, 999, 256}).path(), "tile/2/999");
  EXPECT_EQ((Tile{Tile::Kind::Hashes, 0, 1000, 256}).path(), "tile/0/x001/000");
  EXPECT_EQ((Tile{Tile::Kind::Hashes, 1, 1234067, 256}).path(), "tile/1/x001/x234/067");
  EXPECT_EQ((Tile{Tile::Kind::Hashes, 0, 1234067, 8}).path(), "tile/0/x001/x234/067.p/8");
  EXPECT_EQ((Tile{Tile::Kind::Entries, 0, 273, 112}).path(), "tile/entries/273.p/112");
}

TEST(Tiles, OfALogAreFullOnesAndTheRightEdge) {
  EXPECT_EQ(paths_of(0), Paths{});
  EXPECT_EQ(paths_of(1), (Paths{"tile/entries/000.p/1", "tile/0/000.p/1"}));
  EXPECT_EQ(paths_of(255), (Paths{"tile/entries/000.p/255", "tile/0/000.p/255"}));
  EXPECT_EQ(paths_of(256), (Paths{"tile/entries/000", "tile/0/000", "tile/1/000.p/1"}));
  EXPECT_EQ(paths_of(257), (Paths{"tile/entries/000", "tile/entries/001.p/1", "tile/0/000", "tile/0/001.p/1",
                                  "tile/1/000.p/1"}));
}

TEST(Tiles, OfSeventyThousandEntriesAreTheStandardsExample) {
  const Paths paths = paths_of(70'000);
  const auto count = [&](std::string_view beginning, bool partial) {
    return std::ranges::count_if(paths, [&](const std::string& path) {
      return path.starts_with(beginning) && (path.find(".p/") != std::string::npos) == partial;
    });
  };
  EXPECT_EQ(count("tile/0/", false), 273);
  EXPECT_EQ(count("tile/1/", false), 1);
  EXPECT_EQ(count("tile/2/", false), 0);
  EXPECT_EQ(count("tile/entries/", false), 273);
  for (const char* partial :
       {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"}) {
    EXPECT_EQ(count(partial, true), 1) << partial;
  }
  EXPECT_EQ(paths.size(), 273U + 1 + 273 + 4);
}

TEST(Tiles, HoldTheHashesThatLeadToTheRoot) {
  for (const std::uint64_t size : {1U, 2U, 255U, 256U, 257U, 511U, 600U, 66'000U}) {
    MemoryLog log = numbered_log(size);
    const auto files = files_of(log);
    // Each level's hashes are those of the full tiles below, as the standard says.
    std::vector<Hash> below;
    for (std::uint32_t level = 0; (size >> (kTileHeight * level)) != 0; ++level) {
      std::vector<Hash> here;
      std::vector<Hash> full;
      for (const auto& [path, bytes] : files) {  // in order of index: fewer than 1000 tiles a level
        if (!path.starts_with("tile/" + std::to_string(level) + "/")) continue;
        const auto hashes = hashes_in(bytes);
        if (hashes.size() == kTileWidth) full.push_back(root_over(hashes));
        here.insert(here.end(), hashes.begin(), hashes.end());
      }
      ASSERT_EQ(here.size(), size >> (kTileHeight * level));
      if (level > 0) {
        EXPECT_EQ(here, below) << "level " << level << " of " << size;
      } else {
        EXPECT_EQ(root_over(here), log.root()) << size;
      }
      below = full;
    }
  }
}

TEST(Tiles, BundleHoldsEachEntryAfterItsLength) {
  MemoryLog log;
  log.add("a");
  log.add(std::string(0x1234, 'b'));
  const Bytes bundle = files_of(log).at("tile/entries/000.p/2");
  ASSERT_EQ(bundle.size(), 2 + 1 + 2 + 0x1234U);
  EXPECT_EQ(to_hex(ByteView(bundle).first(6)), "000161123462");
}

}  // namespace
