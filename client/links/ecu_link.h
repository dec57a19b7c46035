// The seam between the primary and one ECU, whatever the bus: TCP here, UDS over DoIP or others later.
// Never decides anything: an ECU verifies for itself, and an implementation holds transport alone. One thread
// a link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/time_attestation.h"
#include "common/trust/uptane_match.h"

namespace cotter::client {

/// The primary's verified metadata, byte for byte, for ECUs to pull what they lack (PRI-15, FVS-5).
struct MetadataSource {
  virtual ~MetadataSource() = default;
  /// Roots by version; of other roles the one version that is trusted now. Nothing when the primary does not
  /// have it.
  virtual Result<std::optional<Bytes>> file(Repository repository, const RoleName& role,
                                            std::optional<Version> version) = 0;
};

/// A verified image on the primary, read piece by piece.
struct ImageSource {
  virtual ~ImageSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Up to `max` bytes from `offset`; fewer only at the end.
  virtual Result<Bytes> read(std::uint64_t offset, std::size_t max) = 0;
};

/// Where a backup of an ECU's working image goes before it is overwritten (INS-4).
struct ImageSink {
  virtual ~ImageSink() = default;
  virtual Result<void> write(ByteView chunk) = 0;
};

struct EcuStatus {
  bool spare_slot =
      true;      ///< false: its image is streamed over the running one, and the primary holds the backup
  Bytes report;  ///< its signed ECU version report, as it wrote it
  bool image_lost = false;  ///< an interrupted overwrite: it needs the image again, or its backup
};

struct InstallOutcome {
  bool installed = false;  ///< the ECU runs what this call brought
  std::string code;        ///< "installed", "restored", "rolled-back", "image-lost"
  std::string text;        ///< for people
};

struct EcuLink {
  virtual ~EcuLink() = default;
  /// A fresh signed report. Faults: Network, Timeout.
  virtual Result<EcuStatus> report() = 0;
  /// Begins a cycle: the nonce that the ECU asks for the time with (PRI-11). Faults: Network, Timeout.
  virtual Result<model::Nonce> nonce() = 0;
  /// The time source's answer, unchanged (PRI-14). Rejection: the ECU's own, by rule id.
  virtual Result<void> put_time(ByteView attestation) = 0;
  /// Offers new metadata; the ECU pulls and verifies for itself. Rejection: the ECU's own, by rule id.
  virtual Result<void> put_metadata(MetadataSource& source) = 0;
  /// Brings the image into the ECU's spare slot: idempotent, resumable, no effect on what boots. On an ECU
  /// without one: only checks that it is willing.
  virtual Result<void> stage(const trust::Assignment& assignment, ImageSource& image) = 0;
  /// Copies the running image out, for ECUs without a spare slot.
  virtual Result<void> back_up(ImageSink& sink) = 0;
  /// Activates the staged image, or streams it over the running one; the ECU confirms after its own boot
  /// check.
  virtual Result<InstallOutcome> commit(const trust::Assignment& assignment, ImageSource& image) = 0;
  /// Streams the backup back onto an ECU that lost its image; the ECU takes it only when it equals what it
  /// last confirmed.
  virtual Result<InstallOutcome> restore(ImageSource& backup) = 0;
  /// Forgets what was staged.
  virtual Result<void> abort() = 0;
};

}  // namespace cotter::client
