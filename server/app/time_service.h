// The time source: says what time it is, signed, to whoever asks with nonces (TIM-3, TIM-10). Never attests a
// time before one that it attested already, however its clock is set, which it remembers while it runs; never
// one that lies in no window which the ledger tells of. Safe on any thread; a call may block on the signer
// and on the disk.
#pragma once

#include <mutex>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "common/host/sqlite.h"

namespace cotter::app {

class TimeService {
 public:
  /// `signer` has the key that the director's root lists; it and `clock` must outlive the service. `ledger`:
  /// a connection of its own.
  TimeService(crypto::Signer& signer, const Clock& clock, host::Db ledger)
      : signer_(signer), clock_(clock), ledger_(std::move(ledger)) {}
  TimeService(const TimeService&) = delete;
  TimeService& operator=(const TimeService&) = delete;

  /// `request` as schemas/time-request.schema.json has it; the answer as time-attestation.schema.json. Before
  /// the first time of a day (UTC) is signed, the ledger tells until when this key attests times; whoever
  /// asks adds no more to it. Rejections: file-too-large, json-*, member-*. Faults of the signer; Busy,
  /// NoSpace, Io (the ledger's).
  Result<Bytes> attest(ByteView request);

 private:
  Result<void> tell_of_the_day(UtcTime first);

  crypto::Signer& signer_;
  const Clock& clock_;
  std::mutex one_at_a_time_;
  host::Db ledger_;
  UtcTime latest_{};
  UtcTime told_until_{};
};

}  // namespace cotter::app
