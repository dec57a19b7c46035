// Small records, one file each, in one folder: DIR/NAME.
// Never holds half a record. One thread, and one process.
#pragma once

#include <string>
#include <utility>

#include "client/install/media.h"
#include "common/disk/disk.h"

namespace cotter::client {

class StateFolder final : public StateStore {
 public:
  /// The folder exists. `extension` ends each file's name: ".json". The disk must outlive it.
  StateFolder(disk::Disk& disk, std::string dir, std::string extension)
      : disk_(disk), dir_(std::move(dir)), extension_(std::move(extension)) {}
  [[nodiscard]] Result<std::optional<Bytes>> load(std::string_view name) const override;
  Result<void> save(std::string_view name, ByteView record) override;
  Result<void> erase(std::string_view name) override;
  Result<void> save_soon(std::string_view name, ByteView record) override;

 private:
  [[nodiscard]] std::string path(std::string_view name) const;
  disk::Disk& disk_;
  std::string dir_;
  std::string extension_;
};

}  // namespace cotter::client
