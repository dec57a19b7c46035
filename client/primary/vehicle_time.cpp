#include "client/primary/vehicle_time.h"

#include <set>
#include <utility>

#include "common/model/time_attestation.h"

namespace cotter::client {

Result<VehicleTime> VehicleTime::open(Parts parts, VehicleId vin) {
  trust::TimeRules rules;
  rules.vin = vin;
  trust::TimeState state;
  if (const std::optional<Bytes> record = TRY(parts.store.time_state())) {
    if (auto kept = trust::TimeState::decode(*record)) state = *std::move(kept);
  }
  return VehicleTime(parts, trust::SecureTime(std::move(rules), std::move(state)), std::move(vin));
}

std::optional<UtcTime> VehicleTime::known() const {
  if (!time_.has_source()) return std::nullopt;
  const auto now = time_.now(parts_.uptime.uptime());
  return now ? std::optional(*now) : std::nullopt;
}

Result<std::optional<UtcTime>> VehicleTime::ask(const trust::Verified<model::Root>& newest,
                                                const std::function<void(const Rejection&)>& note) {
  time_.learn(newest);
  if (!time_.has_source()) {
    TRY(keep());
    return std::optional<UtcTime>();
  }
  const Result<void> exchanged = exchange();
  TRY(keep());
  const Rejection* why = exchanged ? nullptr : rejection_in(exchanged.error());
  auto now = time_.now(parts_.uptime.uptime());
  if (!now && why != nullptr) return fail(*why);  // it says more than that nothing was attested
  if (why != nullptr) note(*why);
  return std::optional(TRY(std::move(now)));
}

std::vector<VehicleTime::Asking> VehicleTime::collect_nonces(const model::Nonce& own) const {
  std::vector<Asking> asking;
  std::set<model::Nonce> seen{own};
  for (const auto& [serial, link] : parts_.links) {
    // Who does not answer asks for no time. Nor does who says what another said: that would spoil the
    // request.
    auto nonce = link->nonce();
    if (!nonce || seen.size() == model::kMaxNonces || !seen.insert(*nonce).second) continue;
    asking.push_back({link.get(), *std::move(nonce)});
  }
  return asking;
}

Result<void> VehicleTime::exchange() {
  const model::Nonce own = time_.ask(parts_.nonces.draw());
  const std::vector<Asking> asking = collect_nonces(own);
  model::TimeRequest request;
  request.vin = vin_;
  request.nonces.push_back(own);
  for (const Asking& each : asking) request.nonces.push_back(each.nonce);
  const Bytes attestation = TRY(parts_.uplink.attest_time(request.wire()));
  TRY(time_.accept_for(request.nonces, attestation, parts_.uptime.uptime()));
  // What an ECU has against it, it says in its next report; one that went away learns the time next time.
  for (const Asking& each : asking) static_cast<void>(each.ecu->put_time(attestation));
  return {};
}

Result<void> VehicleTime::keep() {
  if (!time_.needs_saving()) return {};
  TRY(parts_.store.save_time_state(time_.state().encode()));
  time_.saved();
  return {};
}

}  // namespace cotter::client
