// An ECU's folder as its flash: slots/a.bin, slots/b.bin, and `active`, a symbolic link to the one that
// boots. Never writes through the link. One thread, and one process: its owner holds the folder's lock.
#pragma once

#include <string>
#include <utility>

#include "client/install/media.h"
#include "common/disk/disk.h"

namespace cotter::client {

class SlotFiles final : public SlotMedium {
 public:
  /// `dir` has been laid out by lay_out_slots(). The disk must outlive it.
  SlotFiles(disk::Disk& disk, std::string dir) : disk_(disk), dir_(std::move(dir)) {}

  /// Whether there is a slot besides the one that runs.
  [[nodiscard]] bool has_spare() const;
  [[nodiscard]] Result<Slot> active() const override;
  Result<void> activate(Slot slot) override;
  [[nodiscard]] Result<std::uint64_t> size(Slot slot) const override;
  [[nodiscard]] Result<Bytes> read(Slot slot, std::uint64_t offset, std::size_t max) const override;
  Result<void> write(Slot slot, std::uint64_t offset, ByteView bytes) override;
  Result<void> truncate(Slot slot, std::uint64_t size) override;
  Result<void> sync(Slot slot) override;

 private:
  [[nodiscard]] Result<std::unique_ptr<disk::File>> open(Slot slot, disk::Opening how) const;
  disk::Disk& disk_;
  std::string dir_;
};

}  // namespace cotter::client
