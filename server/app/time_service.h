// The time source: says what time it is, signed, to whoever asks with nonces (TIM-3, TIM-10). Never attests a
// time before one that it attested already, however its clock is set; that it remembers while it runs. Safe
// on any thread; a call may block on the signer.
#pragma once

#include <mutex>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"

namespace cotter::app {

class TimeService {
 public:
  /// `signer` has the key that the director's root lists; it and `clock` must outlive the service.
  TimeService(crypto::Signer& signer, const Clock& clock) : signer_(signer), clock_(clock) {}
  TimeService(const TimeService&) = delete;
  TimeService& operator=(const TimeService&) = delete;

  /// `request` as schemas/time-request.schema.json has it; the answer as time-attestation.schema.json.
  /// Rejections: file-too-large, json-*, member-*. Faults of the signer.
  Result<Bytes> attest(ByteView request);

 private:
  crypto::Signer& signer_;
  const Clock& clock_;
  std::mutex one_at_a_time_;
  UtcTime latest_{};
};

}  // namespace cotter::app
