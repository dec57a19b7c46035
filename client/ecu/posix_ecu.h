// An ECU's folder brought to life: slots, records, metadata and key round a SecondaryCore. A secondary serves
// it over TCP; the primary keeps its own in process. Never runs twice in one folder. One thread.
#pragma once

#include <memory>

#include "client/ecu/config.h"
#include "client/install/factory.h"
#include "client/secondary/core.h"
#include "common/disk/disk.h"

namespace cotter::client {

class PosixEcu {
 public:
  /// Finishes what a power cut left. Disk and clock must outlive it. Faults: Busy (another process runs this
  /// ECU), NotFound, Denied, Io. Rejections of its roots.
  static Result<std::unique_ptr<PosixEcu>> open(disk::Disk& disk, const Clock& clock, EcuConfig config);
  ~PosixEcu();
  [[nodiscard]] SecondaryCore& core() noexcept;
  /// The ECU's own key.
  [[nodiscard]] crypto::Signer& signer() noexcept;

 private:
  struct Parts;
  explicit PosixEcu(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace cotter::client
