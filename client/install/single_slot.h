// One slot: the new image is streamed over the running one, and the primary holds the backup (INS-2b, INS-4,
// GAP-35). Never takes back anything but the image it last confirmed. One thread.
#pragma once

#include <optional>

#include "client/install/installer.h"
#include "client/install/slot_records.h"

namespace cotter::client {

class SingleSlot final : public Installer {
 public:
  /// All seams must outlive it. Call recover() first.
  SingleSlot(SlotMedium& medium, StateStore& store, EcuFloor floor)
      : medium_(medium), records_(store, std::move(floor)) {}

  [[nodiscard]] bool has_spare_slot() const noexcept override { return false; }
  Result<void> recover() override;
  [[nodiscard]] Result<Running> running() const override;
  [[nodiscard]] Result<ReleaseCounter> floor() const override { return records_.floor(); }
  [[nodiscard]] Result<Bytes> read(std::uint64_t offset, std::size_t max) const override;
  /// From here on what runs is lost, until finish() or a restore.
  Result<std::uint64_t> begin(const Permit& permit) override;
  Result<std::uint64_t> begin_restore(std::uint64_t length) override;
  Result<void> write(std::uint64_t offset, ByteView chunk) override;
  Result<InstallOutcome> finish() override;
  [[nodiscard]] Result<std::optional<model::InstalledImage>> staged() const override {
    return std::optional<model::InstalledImage>();
  }
  Result<InstallOutcome> activate() override;
  void suspend() override { transfer_.reset(); }
  Result<void> discard() override { return {}; }

 private:
  struct Transfer {
    ImageRecord record;
    trust::ImageCheck check;
    bool restore = false;
  };
  SlotMedium& medium_;
  SlotRecords records_;
  std::optional<Transfer> transfer_;
};

}  // namespace cotter::client
