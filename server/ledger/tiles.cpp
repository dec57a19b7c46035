#include "server/ledger/tiles.h"

#include "server/ledger/entry.h"

namespace cotter::ledger {
namespace {

constexpr std::uint64_t kPerElement = 1000;

std::string three_digits(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(3 - digits.size(), '0') + digits;
}

/// 1234067 as "x001/x234/067".
std::string number_path(std::uint64_t number) {
  std::string path = three_digits(number % kPerElement);
  for (number /= kPerElement; number != 0; number /= kPerElement) {
    path.insert(0, "x" + three_digits(number % kPerElement) + "/");
  }
  return path;
}

/// All tiles of one level that has `count` hashes or entries.
Result<void> visit_level(Tile tile, std::uint64_t count,
                         const std::function<Result<void>(const Tile&)>& visit) {
  for (; tile.index < count / kTileWidth; ++tile.index) TRY(visit(tile));
  tile.width = static_cast<std::uint32_t>(count % kTileWidth);
  if (tile.width != 0) TRY(visit(tile));
  return {};
}

Result<void> add_entry(std::uint64_t index, const EntryReader& entries, Bytes& out) {
  const Bytes entry = TRY(entries(index));
  COTTER_ASSERT(entry.size() <= kMaxEntryBytes);
  out.push_back(static_cast<std::uint8_t>(entry.size() >> 8U));
  out.push_back(static_cast<std::uint8_t>(entry.size() & 0xFFU));
  out.insert(out.end(), entry.begin(), entry.end());
  return {};
}

}  // namespace

std::string Tile::path() const {
  std::string path = "tile/" + (kind == Kind::Entries ? "entries" : std::to_string(level)) + "/";
  path += number_path(index);
  if (width < kTileWidth) path += ".p/" + std::to_string(width);
  return path;
}

Result<void> for_each_tile(std::uint64_t size, const std::function<Result<void>(const Tile&)>& visit) {
  TRY(visit_level(Tile{Tile::Kind::Entries}, size, visit));
  std::uint32_t level = 0;
  for (std::uint64_t count = size; count != 0; count >>= kTileHeight, ++level) {
    TRY(visit_level(Tile{Tile::Kind::Hashes, level}, count, visit));
  }
  return {};
}

Result<Bytes> tile_bytes(const Tile& tile, const HashReader& hashes, const EntryReader& entries) {
  Bytes bytes;
  for (std::uint32_t i = 0; i < tile.width; ++i) {
    const std::uint64_t index = tile.index * kTileWidth + i;
    if (tile.kind == Tile::Kind::Entries) {
      TRY(add_entry(index, entries, bytes));
    } else {
      const Hash hash = TRY(hashes(Subtree{tile.level * kTileHeight, index}));
      bytes.insert(bytes.end(), hash.begin(), hash.end());
    }
  }
  return bytes;
}

}  // namespace cotter::ledger
