// The records that both kinds of installer keep: what was confirmed and what is on its way; the counter's
// floor stands apart. Never lets the floor sink, never takes a floor that cannot be read for none. One
// thread.
#pragma once

#include <optional>
#include <string_view>

#include "client/install/floor_store.h"
#include "client/install/installer.h"
#include "client/install/media.h"

namespace cotter::client {

/// An image as the ECU itself verified it.
struct ImageRecord {
  model::InstalledImage image;
  ReleaseCounter release_counter;

  static ImageRecord of(const Permit& permit);
  [[nodiscard]] model::Target target() const;  ///< for an ImageCheck
  friend bool operator==(const ImageRecord&, const ImageRecord&) = default;
};

/// An image between its first byte and its confirmation.
struct Incoming {
  enum class Stage : std::uint8_t {
    Receiving,    ///< into the spare slot
    Staged,       ///< whole, and checked
    Trial,        ///< made to boot, not confirmed: also what a staged one is whose slot boots
    Overwriting,  ///< over the only slot: what runs is lost until it is whole
  };
  ImageRecord record;
  Stage stage = Stage::Receiving;
  Slot slot = Slot::B;
  /// While receiving: so many bytes have reached the medium for good. Later ones may be torn by a power cut.
  std::uint64_t durable = 0;
};

class SlotRecords {
 public:
  SlotRecords(StateStore& store, EcuFloor floor) : store_(store), floor_(std::move(floor)) {}
  /// Once, at start: moves the floor of an ECU that kept it among these records to where it belongs now, and
  /// makes whole what one damaged copy left. What cannot be read stays so until a workshop renews it.
  Result<void> settle_floor();
  /// A record that cannot be read counts as absent (VER-REC); what was confirmed is kept twice. Faults: Io.
  [[nodiscard]] Result<std::optional<ImageRecord>> confirmed() const;
  [[nodiscard]] Result<std::optional<Incoming>> incoming() const;
  /// The floor kept by itself, or the confirmed image's where that is higher. Faults of FloorStore; NotFound
  /// (none was recorded for this ECU).
  [[nodiscard]] Result<ReleaseCounter> floor() const;

  /// Durable on return, but for a transfer that has no checkpoint yet.
  Result<void> save(const Incoming& incoming);
  Result<void> forget_incoming();
  /// First the floor, then the image: a power cut between them leaves the trial, which is judged again.
  Result<void> confirm(const ImageRecord& record);

 private:
  StateStore& store_;
  EcuFloor floor_;
};

/// Length and both hashes of a slot, read back from the medium.
Result<model::InstalledImage> measure(const SlotMedium& medium, Slot slot, TargetName name);
/// Runs the first `bytes` of a slot through `check`. Rejections of ImageCheck::write.
Result<void> check_slot(const SlotMedium& medium, Slot slot, std::uint64_t bytes, trust::ImageCheck& check);
/// The whole slot, as read back, is this image. Rejections: image-too-long, image-too-short,
/// image-hash-wrong.
Result<void> check_whole_slot(const SlotMedium& medium, Slot slot, const ImageRecord& record);
/// Rejection: ecu-release-counter-lower.
Result<void> check_floor(ReleaseCounter floor, ReleaseCounter offered);

}  // namespace cotter::client
