// What an ECU must remember for its reports: the counter, the last time, the attacks it saw (FMT-80, FVS-8).
// Never gives one counter to two reports, a power cut between them or not, this record lost or not (GAP-18):
// numbers are reserved many at a time, so that most reports cost no sync. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/install/floor_store.h"
#include "client/install/installer.h"
#include "client/install/media.h"
#include "client/secondary/intake.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "common/model/manifest.h"

namespace cotter::client {

class ReportBook {
 public:
  /// Both stores must outlive it. The counter is reserved in `floors`, where no wipe reaches it.
  ReportBook(StateStore& store, FloorStore& floors, const EcuSerial& ecu)
      : store_(store), reserved_(floors, FloorName("reports/" + ecu.value())) {}
  /// Reads what was kept; nothing on a new ECU. A book that cannot be read is begun anew with a counter above
  /// all earlier ones: the floor's, and the seconds of `now`. Faults: Io.
  Result<void> open(UtcTime now);

  /// A fresh signed report of what runs; its counter is durably taken before it is used. `now` that falls
  /// behind the last report's by no more than `ahead` is that one's again. Faults of store and signer.
  Result<Bytes> report(const EcuIdentity& identity, const Running& running, UtcTime now,
                       crypto::Signer& signer, std::chrono::seconds ahead = std::chrono::minutes(5));
  /// Keeps a broken rule for the next reports: the last eight, each once.
  void note(const Rejection& rejection);
  /// This version of the director's targets was verified. A newer one acknowledges what had been reported.
  /// Faults: Io, NoSpace.
  Result<void> accepted(Version director_targets);

 private:
  struct Attack {
    std::string text;  ///< "director/targets:rule-id"
    bool reported = false;
  };
  [[nodiscard]] Bytes encode() const;
  Result<void> decode(ByteView record);
  Result<void> decode_last(ByteView record);
  Result<void> save() { return store_.save("report", encode()); }
  Result<std::uint64_t> next_counter();
  Result<void> keep_last();

  StateStore& store_;
  ReservedCounter reserved_;
  std::uint64_t counter_ = 0;  ///< the last one given
  std::uint64_t kept_ = 0;     ///< in the record: up to this one they may have been given
  std::optional<UtcTime> last_time_;
  std::optional<Version> director_targets_;
  std::vector<Attack> attacks_;
};

}  // namespace cotter::client
