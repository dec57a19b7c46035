#include "server/app/time_service.h"

#include <algorithm>
#include <utility>

#include "common/model/time_attestation.h"
#include "common/trust/draft.h"

namespace cotter::app {

Result<Bytes> TimeService::attest(ByteView request) {
  model::TimeRequest asked = TRY(model::TimeRequest::read(request));
  model::TimeAttestation attestation;
  attestation.nonces = std::move(asked.nonces);
  attestation.vin = std::move(asked.vin);
  const std::lock_guard lock(one_at_a_time_);
  latest_ = std::max(latest_, clock_.now());
  attestation.time = latest_;
  trust::Draft<model::TimeAttestation> draft(attestation);
  TRY(draft.sign(signer_));
  return draft.wire();
}

}  // namespace cotter::app
