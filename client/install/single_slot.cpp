#include "client/install/single_slot.h"

#include <utility>

namespace cotter::client {
namespace {

bool is_image(const model::InstalledImage& measured, const ImageRecord& record) {
  return measured.length == record.image.length && measured.hashes.agrees_with(record.image.hashes);
}

}  // namespace

Result<void> SingleSlot::recover() {
  TRY(records_.settle_floor());
  const auto incoming = TRY(records_.incoming());
  if (!incoming) return {};
  if (!records_.floor()) return {};  // nothing is confirmed without one; the ECU runs and reports meanwhile
  const auto confirmed = TRY(records_.confirmed());
  const auto measured = TRY(measure(medium_, TRY(medium_.active()), incoming->record.image.name));
  if (is_image(measured, incoming->record)) {
    TRY(records_.confirm(incoming->record));  // the last byte was there, its confirmation was not
  } else if (!confirmed || !is_image(measured, *confirmed)) {
    return {};  // lost: the image or its backup must come again
  }
  return records_.forget_incoming();
}

Result<Running> SingleSlot::running() const {
  const auto confirmed = TRY(records_.confirmed()).value_or(ImageRecord{});
  auto measured = TRY(measure(medium_, TRY(medium_.active()), confirmed.image.name));
  Running running{std::move(measured), confirmed.release_counter};
  running.sound = is_image(running.image, confirmed);
  return running;
}

Result<Bytes> SingleSlot::read(std::uint64_t offset, std::size_t max) const {
  return medium_.read(TRY(medium_.active()), offset, max);
}

Result<std::uint64_t> SingleSlot::begin(const Permit& permit) {
  transfer_.reset();
  TRY(check_floor(TRY(floor()), permit.release_counter()));
  const Slot slot = TRY(medium_.active());
  Incoming incoming{ImageRecord::of(permit), Incoming::Stage::Overwriting, slot};
  TRY(records_.save(incoming));
  TRY(medium_.truncate(slot, 0));
  transfer_.emplace(Transfer{std::move(incoming.record), trust::ImageCheck(permit.target())});
  return 0;
}

Result<std::uint64_t> SingleSlot::begin_restore(std::uint64_t length) {
  transfer_.reset();
  const auto confirmed = TRY(records_.confirmed());
  if (!confirmed || !TRY(records_.incoming())) {
    TRY(refuse(RuleId::MessageOutOfOrder, "an ECU that lost its image", "one that runs"));
    return 0;
  }
  if (length != confirmed->image.length) {
    TRY(refuse(length > confirmed->image.length ? RuleId::ImageTooLong : RuleId::ImageTooShort,
               std::to_string(confirmed->image.length) + " bytes", std::to_string(length)));
  }
  TRY(medium_.truncate(TRY(medium_.active()), 0));
  transfer_.emplace(Transfer{*confirmed, trust::ImageCheck(confirmed->target()), true});
  return 0;
}

Result<void> SingleSlot::write(std::uint64_t offset, ByteView chunk) {
  const bool next = transfer_ && offset == transfer_->check.received();
  if (!next) {
    TRY(refuse(RuleId::MessageOutOfOrder,
               transfer_ ? "byte " + std::to_string(transfer_->check.received()) : "a commit or a restore",
               "byte " + std::to_string(offset)));
    return {};
  }
  if (const Result<void> fits = transfer_->check.write(chunk); !fits) {
    transfer_.reset();
    return fail(fits.error());
  }
  return medium_.write(TRY(medium_.active()), offset, chunk);
}

Result<InstallOutcome> SingleSlot::finish() {
  if (!transfer_) {
    TRY(refuse(RuleId::MessageOutOfOrder, "a commit or a restore", "its end"));
    return InstallOutcome{};
  }
  Transfer transfer = *std::exchange(transfer_, std::nullopt);
  TRY(transfer.check.finish());
  const Slot slot = TRY(medium_.active());
  TRY(medium_.sync(slot));
  TRY(check_whole_slot(medium_, slot, transfer.record));
  if (!transfer.restore) TRY(records_.confirm(transfer.record));
  TRY(records_.forget_incoming());
  const std::string& name = transfer.record.image.name.value();
  if (transfer.restore) return InstallOutcome{true, "restored", name + " runs again"};
  return InstallOutcome{true, "installed", name + " runs and is confirmed"};
}

Result<InstallOutcome> SingleSlot::activate() {
  TRY(refuse(RuleId::MessageOutOfOrder, "an ECU with a spare slot", "one that is overwritten"));
  return InstallOutcome{};
}

}  // namespace cotter::client
