// Floors as small records: one table, checksummed, kept twice, so that one damaged or missing copy costs
// nothing. Never lowers a number: of two copies that differ the higher counts. One thread, and one process.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/install/floor_store.h"
#include "client/install/media.h"
#include "client/install/state_folder.h"

namespace cotter::client {

class FloorRecords final : public FloorStore {
 public:
  /// `store` must outlive it; its records are "floors" and "floors-copy". `place` is what messages call it.
  FloorRecords(StateStore& store, std::string place) : store_(store), place_(std::move(place)) {}
  [[nodiscard]] Result<std::optional<std::uint64_t>> floor(const FloorName& name) const override;
  /// Makes both copies whole again besides, where one was not.
  Result<void> raise(const FloorName& name, std::uint64_t to) override;
  Result<void> begin_anew() override;

 private:
  using Table = std::map<FloorName, std::uint64_t>;
  struct Copies {
    std::vector<Table> whole;
    bool damaged = false;  ///< at least one is there and cannot be read
  };
  struct Kept {
    Table table;
    bool twice = false;  ///< both copies are there, and alike
  };
  [[nodiscard]] Result<Copies> copies() const;
  [[nodiscard]] Result<Kept> read() const;
  Result<void> write(const Table& table);
  StateStore& store_;
  std::string place_;
};

/// The same in a folder of its own: DIR/floors.json and DIR/floors-copy.json.
class FloorFiles final : public FloorStore {
 public:
  /// The disk must outlive it.
  FloorFiles(disk::Disk& disk, const std::string& dir)
      : disk_(disk), dir_(dir), files_(disk, dir, ".json"), records_(files_, dir) {}
  [[nodiscard]] Result<std::optional<std::uint64_t>> floor(const FloorName& name) const override {
    return records_.floor(name);
  }
  Result<void> raise(const FloorName& name, std::uint64_t to) override { return records_.raise(name, to); }
  /// Makes the folder when it is missing.
  Result<void> begin_anew() override;

 private:
  disk::Disk& disk_;
  std::string dir_;
  StateFolder files_;
  FloorRecords records_;
};

}  // namespace cotter::client
