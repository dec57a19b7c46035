#include "client/install/ab_slot.h"

#include <algorithm>
#include <utility>

namespace cotter::client {
namespace {

constexpr std::size_t kCopiedAtOnce = 64 * 1024;
/// How much of a transfer a power cut may cost: what came since is received again. The larger the image, the
/// more, for each checkpoint costs three syncs.
std::uint64_t checkpoint_of(std::uint64_t length) {
  return std::max<std::uint64_t>(1024 * 1024, length / 16);
}

InstallOutcome installed(const ImageRecord& record) {
  return {true, "installed", record.image.name.value() + " runs and is confirmed"};
}

}  // namespace

Result<void> AbSlot::recover() {
  TRY(records_.settle_floor());
  const auto incoming = TRY(records_.incoming());
  if (incoming && incoming->stage == Incoming::Stage::Receiving) {
    // What came after the last checkpoint may be torn, and would be found out only by the hash of the whole.
    const std::uint64_t there = TRY(medium_.size(incoming->slot));
    if (there <= incoming->durable) return {};
    return medium_.truncate(incoming->slot, incoming->durable);
  }
  if (!incoming || incoming->stage == Incoming::Stage::Overwriting) return {};
  // Without a floor nothing is confirmed; the ECU runs and reports meanwhile.
  if (!records_.floor()) return {};
  // The power failed between "make it boot" and "it is confirmed": whichever slot boots now says how far it
  // came.
  if (TRY(medium_.active()) == incoming->slot) {
    // What was confirmed is on trial no more, whatever an old record says.
    if (TRY(running()).sound) return records_.forget_incoming();
    TRY(judge_trial(*incoming));
    return {};
  }
  if (incoming->stage == Incoming::Stage::Staged) return {};
  Incoming staged = *incoming;
  staged.stage = Incoming::Stage::Staged;
  return records_.save(staged);
}

Result<Running> AbSlot::running() const {
  const auto confirmed = TRY(records_.confirmed()).value_or(ImageRecord{});
  auto measured = TRY(measure(medium_, TRY(medium_.active()), confirmed.image.name));
  Running running{std::move(measured), confirmed.release_counter};
  running.sound = running.image.length == confirmed.image.length &&
                  running.image.hashes.agrees_with(confirmed.image.hashes);
  return running;
}

Result<Bytes> AbSlot::read(std::uint64_t offset, std::size_t max) const {
  return medium_.read(TRY(medium_.active()), offset, max);
}

Result<std::uint64_t> AbSlot::begin(const Permit& permit) {
  transfer_.reset();
  TRY(check_floor(TRY(floor()), permit.release_counter()));
  const Slot spare = other(TRY(medium_.active()));
  Incoming next{ImageRecord::of(permit), Incoming::Stage::Receiving, spare};
  const auto before = TRY(records_.incoming());
  const bool same = before && before->record == next.record && before->slot == next.slot;
  if (same) {
    next.stage = before->stage;
    next.durable = before->durable;
  } else {
    // In this order, for a power cut must not leave a record of bytes that are another image's.
    TRY(records_.forget_incoming());
    TRY(medium_.truncate(next.slot, 0));
    TRY(records_.save(next));
  }
  const std::uint64_t there = TRY(medium_.size(next.slot));
  trust::ImageCheck check(permit.target());
  if (const Result<void> so_far = check_slot(medium_, next.slot, there, check); !so_far) {
    if (rejection_in(so_far.error()) == nullptr) return fail(so_far.error());
    TRY(discard());  // more bytes than the image has: not what this ECU wrote
    return begin(permit);
  }
  transfer_.emplace(Transfer{std::move(next), std::move(check)});
  return there;
}

Result<std::uint64_t> AbSlot::begin_restore(std::uint64_t /*length*/) {
  TRY(refuse(RuleId::MessageOutOfOrder, "an ECU without a spare slot", "one that rolls back by itself"));
  return 0;
}

Result<void> AbSlot::write(std::uint64_t offset, ByteView chunk) {
  const bool next = transfer_ && offset == transfer_->check.received();
  if (!next) {
    TRY(refuse(
        RuleId::MessageOutOfOrder,
        transfer_ ? "byte " + std::to_string(transfer_->check.received()) : "an image that was announced",
        "byte " + std::to_string(offset)));
    return {};
  }
  if (const Result<void> fits = transfer_->check.write(chunk); !fits) {
    transfer_.reset();
    TRY(discard());
    return fail(fits.error());
  }
  Incoming& incoming = transfer_->incoming;
  TRY(medium_.write(incoming.slot, offset, chunk));
  const std::uint64_t received = transfer_->check.received();
  if (incoming.stage != Incoming::Stage::Receiving ||
      received - incoming.durable < checkpoint_of(incoming.record.image.length))
    return {};
  TRY(medium_.sync(incoming.slot));
  incoming.durable = received;
  return records_.save(incoming);
}

Result<InstallOutcome> AbSlot::finish() {
  if (!transfer_) {
    TRY(refuse(RuleId::MessageOutOfOrder, "an image that was announced", "its end"));
    return InstallOutcome{};
  }
  Transfer transfer = *std::exchange(transfer_, std::nullopt);
  if (const Result<void> right = transfer.check.finish(); !right) {
    TRY(discard());
    return fail(right.error());
  }
  if (transfer.incoming.stage != Incoming::Stage::Staged) {
    TRY(medium_.sync(transfer.incoming.slot));
    transfer.incoming.stage = Incoming::Stage::Staged;
    transfer.incoming.durable = 0;
    TRY(records_.save(transfer.incoming));
  }
  return InstallOutcome{false, "staged", transfer.incoming.record.image.name.value() + " waits to be run"};
}

Result<std::optional<model::InstalledImage>> AbSlot::staged() const {
  const auto incoming = TRY(records_.incoming());
  if (!incoming || incoming->stage != Incoming::Stage::Staged) return std::optional<model::InstalledImage>();
  return std::optional(incoming->record.image);
}

Result<InstallOutcome> AbSlot::activate() {
  transfer_.reset();
  auto incoming = TRY(records_.incoming());
  const bool ready = incoming && incoming->stage == Incoming::Stage::Staged &&
                     incoming->slot == other(TRY(medium_.active()));
  if (!ready) {
    TRY(refuse(RuleId::MessageOutOfOrder, "a staged image", "none"));
    return InstallOutcome{};
  }
  TRY(check_floor(TRY(floor()), incoming->record.release_counter));
  // As read back now, not as written then: somebody may have been at the storage between (ATK-48).
  if (const Result<void> right = check_whole_slot(medium_, incoming->slot, incoming->record); !right) {
    TRY(discard());
    return fail(right.error());
  }
  // On trial from here on: its record says staged, and its slot boots.
  TRY(medium_.activate(incoming->slot));
  return judge_trial(*incoming);
}

/// The boot check: the slot that boots holds the image that was meant. Confirms it, or goes back.
Result<InstallOutcome> AbSlot::judge_trial(const Incoming& trial) {
  const Result<void> right = check_whole_slot(medium_, trial.slot, trial.record);
  if (!right) {
    TRY(medium_.activate(other(trial.slot)));
    TRY(records_.forget_incoming());
    return InstallOutcome{false, "rolled-back",
                          trial.record.image.name.value() + ": " + summary(right.error())};
  }
  TRY(records_.confirm(trial.record));
  TRY(records_.forget_incoming());
  return installed(trial.record);
}

Result<void> AbSlot::discard() {
  transfer_.reset();
  TRY(records_.forget_incoming());
  return medium_.truncate(other(TRY(medium_.active())), 0);
}

Result<void> AbSlot::stage(ImageSource& image, const trust::Assignment& assignment) {
  for (std::uint64_t offset = TRY(begin(Permit(assignment))); offset < image.size();) {
    const Bytes piece = TRY(image.read(offset, kCopiedAtOnce));
    if (piece.empty()) break;
    TRY(write(offset, piece));
    offset += piece.size();
  }
  TRY(finish());
  return {};
}

}  // namespace cotter::client
