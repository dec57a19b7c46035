#include "server/app/time_service.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "common/model/time_attestation.h"
#include "common/model/time_source.h"
#include "common/trust/draft.h"
#include "server/app/record.h"

namespace cotter::app {

/// An entry for each answer would let strangers fill the disk.
Result<void> TimeService::tell_of_the_day(UtcTime first) {
  const UtcTime until = std::chrono::floor<std::chrono::days>(first) + std::chrono::days(1);
  json::Object details{{"keyid", signer_.public_key().computed_id().value()},
                       {"from", format_utc(first)},
                       {"until", format_utc(until)}};
  const std::string subject =
      std::string(name_of(Repository::Director)) + "/" + model::time_source_role().value();
  auto transaction = TRY(host::Transaction::begin(ledger_));
  TRY(record(ledger_,
             {std::string(ledger::kAttestedTime), first, acting_account(), subject, std::move(details)}));
  TRY(transaction.commit());
  told_until_ = until;
  return {};
}

Result<Bytes> TimeService::attest(ByteView request) {
  model::TimeRequest asked = TRY(model::TimeRequest::read(request));
  model::TimeAttestation attestation;
  attestation.nonces = std::move(asked.nonces);
  attestation.vin = std::move(asked.vin);
  const std::lock_guard lock(one_at_a_time_);
  latest_ = std::max(latest_, clock_.now());
  if (latest_ >= told_until_) TRY(tell_of_the_day(latest_));
  attestation.time = latest_;
  trust::Draft<model::TimeAttestation> draft(attestation);
  TRY(draft.sign(signer_));
  return draft.wire();
}

}  // namespace cotter::app
