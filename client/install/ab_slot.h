// Two slots: the new image comes into the spare one, boots on trial, and is confirmed or rolled back.
// Never writes into the slot that boots. One thread.
#pragma once

#include <optional>

#include "client/install/installer.h"
#include "client/install/slot_records.h"

namespace cotter::client {

class AbSlot final : public Installer {
 public:
  /// All seams must outlive it. Call recover() first.
  AbSlot(SlotMedium& medium, StateStore& store, EcuFloor floor)
      : medium_(medium), records_(store, std::move(floor)) {}

  [[nodiscard]] bool has_spare_slot() const noexcept override { return true; }
  Result<void> recover() override;
  [[nodiscard]] Result<Running> running() const override;
  [[nodiscard]] Result<ReleaseCounter> floor() const override { return records_.floor(); }
  [[nodiscard]] Result<Bytes> read(std::uint64_t offset, std::size_t max) const override;
  Result<std::uint64_t> begin(const Permit& permit) override;
  Result<std::uint64_t> begin_restore(std::uint64_t length) override;
  Result<void> write(std::uint64_t offset, ByteView chunk) override;
  Result<InstallOutcome> finish() override;
  [[nodiscard]] Result<std::optional<model::InstalledImage>> staged() const override;
  Result<InstallOutcome> activate() override;
  void suspend() override { transfer_.reset(); }
  Result<void> discard() override;

  /// begin, write and finish in one, for an ECU that has the image itself: the primary's own. Rejections and
  /// Faults of those, and of the source.
  Result<void> stage(ImageSource& image, const trust::Assignment& assignment);

 private:
  struct Transfer {
    Incoming incoming;
    trust::ImageCheck check;
  };
  Result<InstallOutcome> judge_trial(const Incoming& trial);

  SlotMedium& medium_;
  SlotRecords records_;
  std::optional<Transfer> transfer_;
};

}  // namespace cotter::client
