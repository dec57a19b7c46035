// Brings a whole set of verified images onto the vehicle's ECUs: all staged before any is committed, the
// primary itself last. Never starts a set it cannot stage whole: a partial bundle is worse than none
// (PRI-20). One thread.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "client/links/ecu_link.h"
#include "common/base/result.h"
#include "common/trust/uptane_match.h"

namespace cotter::client {

/// The vehicle's ECUs by serial. The primary's own is one of them.
using Links = std::map<EcuSerial, std::unique_ptr<EcuLink>>;

/// Where verified images and backups lie on the primary.
struct ImageShelf {
  virtual ~ImageShelf() = default;
  /// The image of an assignment, downloaded and verified before. Fault: NotFound.
  virtual Result<std::unique_ptr<ImageSource>> image(const trust::Assignment& assignment) = 0;
  /// Takes the backup of an ECU's running image; it replaces an older one when complete.
  virtual Result<std::unique_ptr<ImageSink>> new_backup(const EcuSerial& ecu) = 0;
  virtual Result<void> keep_backup(const EcuSerial& ecu) = 0;
  virtual Result<std::unique_ptr<ImageSource>> backup(const EcuSerial& ecu) = 0;
};

struct EcuOutcome {
  EcuSerial ecu;
  InstallOutcome outcome;
};

class Dispatcher {
 public:
  /// `order` of commits: secondaries by serial, `primary` last, so that the gateway stays up for the others
  /// (PRI-15).
  Dispatcher(Links& links, ImageShelf& shelf, EcuSerial primary);

  /// Offers the metadata to every ECU of the set and stages every image; on the first failure tells all to
  /// forget (abort) and returns that failure. Idempotent: what is staged already is not sent again.
  Result<void> stage_all(const std::vector<trust::Assignment>& set, MetadataSource& metadata);
  /// Offers the metadata to every ECU that `set` leaves alone, so that rotations and versions reach it too
  /// (PRI-15). What becomes of that is each ECU's own to report: one that cannot be reached, or refuses,
  /// holds up nobody.
  void tell_the_others(const std::vector<trust::Assignment>& set, MetadataSource& metadata);
  /// Commits in order. An ECU without a spare slot is backed up first and restored when its image is lost. A
  /// failed ECU does not stop the others: each outcome says what became of it. A Fault means that an ECU
  /// could not be reached: call again.
  Result<std::vector<EcuOutcome>> commit_all(const std::vector<trust::Assignment>& set);

 private:
  Result<InstallOutcome> commit_one(const trust::Assignment& assignment);
  Result<InstallOutcome> commit_streamed(EcuLink& ecu, bool image_lost, const trust::Assignment& assignment,
                                         ImageSource& image);
  [[nodiscard]] std::vector<trust::Assignment> ordered(std::vector<trust::Assignment> set) const;
  /// Fault: NotFound, for an ECU of the vehicle that the configuration gives no link.
  Result<EcuLink*> link(const EcuSerial& ecu);

  Links& links_;
  ImageShelf& shelf_;
  EcuSerial primary_;
};

}  // namespace cotter::client
