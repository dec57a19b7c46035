// Brings verified images into an ECU's slots and says what really runs there (Uptane 5.4.3; INS-1 to INS-7).
// Never takes a byte without a Permit, which only verification gives. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "client/install/media.h"
#include "client/links/ecu_link.h"
#include "common/model/manifest.h"
#include "common/trust/image_check.h"
#include "common/trust/partial.h"
#include "common/trust/uptane_match.h"

namespace cotter::client {

/// The right to put one image into a slot: from an Assignment that passed both repositories, or, on an ECU
/// that verifies partially and on no other, from the director's word alone.
class Permit {
 public:
  explicit Permit(const trust::Assignment& assignment)
      : name_(assignment.name()), target_(assignment.target()), counter_(assignment.release_counter()) {}
  static Permit on_directors_word(const trust::DirectorOnlyAssignment& assignment) {
    return Permit(assignment.name(), assignment.target(), assignment.release_counter());
  }
  [[nodiscard]] const TargetName& name() const noexcept { return name_; }
  [[nodiscard]] const model::Target& target() const noexcept { return target_; }
  [[nodiscard]] ReleaseCounter release_counter() const noexcept { return counter_; }

 private:
  Permit(TargetName name, model::Target target, ReleaseCounter counter)
      : name_(std::move(name)), target_(std::move(target)), counter_(counter) {}
  TargetName name_;
  model::Target target_;
  ReleaseCounter counter_;
};

/// What lies in the slot that boots (INS-7).
struct Running {
  model::InstalledImage image;     ///< length and hashes measured from storage; the name last confirmed
  ReleaseCounter release_counter;  ///< of the image last confirmed
  bool sound = true;               ///< what was measured is what was confirmed
};

class Installer {
 public:
  virtual ~Installer() = default;
  [[nodiscard]] virtual bool has_spare_slot() const noexcept = 0;
  /// Once, at start and before all else: finishes or undoes what a power cut left.
  virtual Result<void> recover() = 0;

  /// Reads the whole active slot. Faults: Io.
  [[nodiscard]] virtual Result<Running> running() const = 0;
  /// The lowest release counter that may be installed; kept apart from metadata, never goes back (PRI-31).
  [[nodiscard]] virtual Result<ReleaseCounter> floor() const = 0;
  /// A piece of the running image, for a backup (INS-4); empty at its end.
  [[nodiscard]] virtual Result<Bytes> read(std::uint64_t offset, std::size_t max) const = 0;

  /// Opens a transfer: into the spare slot, or, without one, over the running image. Returns how many bytes
  /// of this very image are there already. Rejection: ecu-release-counter-lower.
  virtual Result<std::uint64_t> begin(const Permit& permit) = 0;
  /// Opens a transfer of the image that was last confirmed, onto an ECU that lost it. Rejections:
  /// message-out-of-order (nothing is lost), image-too-long, image-too-short (another length).
  virtual Result<std::uint64_t> begin_restore(std::uint64_t length) = 0;
  /// Bytes must come in order, without gaps. Rejections: message-out-of-order, image-too-long: the transfer
  /// is over then.
  virtual Result<void> write(std::uint64_t offset, ByteView chunk) = 0;
  /// All bytes came; their length and hashes are judged. With a spare slot: staged. Without: installed, or
  /// restored. Rejections: image-too-short, image-hash-wrong, message-out-of-order; what came is discarded.
  virtual Result<InstallOutcome> finish() = 0;
  /// The whole image that waits in the spare slot, if there is one. Faults: Io.
  [[nodiscard]] virtual Result<std::optional<model::InstalledImage>> staged() const = 0;
  /// Hashes the spare slot as read back (ATK-48), makes it boot, checks it and confirms, or rolls back. Works
  /// after a restart too, with no metadata at hand (INS-7). Rejections: message-out-of-order,
  /// image-hash-wrong, ecu-release-counter-lower.
  virtual Result<InstallOutcome> activate() = 0;
  /// The connection is gone: the open transfer ends; what came of an image for the spare slot stays.
  virtual void suspend() = 0;
  /// Forgets what was staged. Does nothing to the running image.
  virtual Result<void> discard() = 0;
};

}  // namespace cotter::client
