// The tiles of a log (c2sp.org/tlog-tiles): paths and contents of the static files that others' tools read.
// Never writes a file: whoever exports does. Pure, but for the readers that it is handed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "server/ledger/merkle.h"

namespace cotter::ledger {

inline constexpr std::uint32_t kTileHeight = 8;
inline constexpr std::uint32_t kTileWidth = 1U << kTileHeight;

/// A tile of hashes at `level`, or a bundle of entries; number `index` of its level.
struct Tile {
  enum class Kind : std::uint8_t { Hashes, Entries };
  Kind kind = Kind::Hashes;
  std::uint32_t level = 0;  ///< 0 of entries
  std::uint64_t index = 0;
  std::uint32_t width = kTileWidth;  ///< 1 to kTileWidth; less: partial
  friend bool operator==(const Tile&, const Tile&) = default;

  /// "tile/0/x001/x234/067", "tile/1/000.p/17", "tile/entries/000"
  [[nodiscard]] std::string path() const;
};

/// The tiles of a log of `size` entries, full ones and the partial ones at their right end: entries first,
/// then hashes from level 0 upward. `visit` may break off by an error, which is handed on.
Result<void> for_each_tile(std::uint64_t size, const std::function<Result<void>(const Tile&)>& visit);

using EntryReader = std::function<Result<Bytes>(std::uint64_t index)>;

/// The bytes of the tile: its hashes in a row, or its entries, each after its length in two bytes, the
/// greater first. Errors: those of the readers.
Result<Bytes> tile_bytes(const Tile& tile, const HashReader& hashes, const EntryReader& entries);

}  // namespace cotter::ledger
