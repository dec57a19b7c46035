#include "client/secondary/ecu_time.h"

#include <utility>

namespace cotter::client {
namespace {

constexpr std::string_view kTimeRecord = "time";
constexpr std::chrono::minutes kClockAhead{5};     // the skew that a director allows a report
constexpr std::chrono::minutes kCountedAhead{10};  // what an honest answer may take back of what was counted

trust::TimeRules rules_of(VehicleId vin) {
  trust::TimeRules rules;
  rules.vin = std::move(vin);
  return rules;
}

}  // namespace

EcuTime::EcuTime(StateStore& store, TimeSeams seams, VehicleId vin,
                 std::function<void(const Rejection&)> note)
    : store_(store), seams_(seams), rules_(rules_of(std::move(vin))), note_(std::move(note)), time_(rules_) {}

Result<void> EcuTime::open() {
  const std::optional<Bytes> record = TRY(store_.load(kTimeRecord));
  if (!record) return {};
  // Without it the floor is the earliest time again; the next root says whose time counts (VER-REC).
  if (auto state = trust::TimeState::decode(*record)) time_ = trust::SecureTime(rules_, *std::move(state));
  return {};
}

void EcuTime::begin(const trust::Verified<model::Root>& known) {
  // What was remembered is of this root, or of a newer one that storage has lost since.
  if (!time_.has_source()) time_.learn(known);
}

model::Nonce EcuTime::ask() {
  // No pull came that could have made it good.
  if (held_ && held_->why) note_(*held_->why);
  held_.reset();
  return time_.ask(seams_.nonces.draw());
}

Result<void> EcuTime::take(Bytes attestation) {
  held_.reset();
  if (attestation.size() > model::kMaxTimeAttestationBytes) {
    return located(
        refuse(RuleId::FileTooLarge, "at most " + std::to_string(model::kMaxTimeAttestationBytes) + " bytes",
               std::to_string(attestation.size())),
        Repository::Director, model::time_source_role().value());
  }
  if (!time_.has_source()) {
    held_.emplace(Held{std::move(attestation), std::nullopt});
    return {};
  }
  Result<void> taken = time_.accept(attestation, seams_.uptime.uptime());
  TRY(keep());
  if (taken) return {};
  const Rejection* why = rejection_in(taken.error());
  if (why == nullptr || why->rule != RuleId::ThresholdNotMet) return taken;
  held_.emplace(Held{std::move(attestation), *why});
  return {};
}

Result<UtcTime> EcuTime::at(const trust::Verified<model::Root>& newest) {
  time_.learn(newest);
  const auto held = std::exchange(held_, std::nullopt);
  if (!time_.has_source()) {
    TRY(keep());
    return seams_.clock.now();
  }
  const std::optional<trust::Uptime> uptime = seams_.uptime.uptime();
  const Result<void> taken = held ? time_.accept(held->attestation, uptime) : Result<void>();
  TRY(keep());
  auto now = time_.now(uptime);
  if (taken) return now;
  if (!now) return fail(taken.error());  // it says more than that nothing was attested
  if (const Rejection* why = rejection_in(taken.error())) note_(*why);
  return now;
}

Result<void> EcuTime::learn(const trust::Verified<model::Targets>& targets) {
  TRY(time_.learn(targets));
  return keep();
}

EcuTime::ForReport EcuTime::for_report() const {
  if (!time_.has_source()) return {seams_.clock.now(), kClockAhead};
  const std::optional<trust::Uptime> uptime = seams_.uptime.uptime();
  const bool known = time_.now(uptime).has_value();
  return {time_.latest(uptime), known ? std::chrono::seconds(kCountedAhead) : rules_.longest};
}

Result<void> EcuTime::keep() {
  if (!time_.needs_saving()) return {};
  TRY(store_.save(kTimeRecord, time_.state().encode()));
  time_.saved();
  return {};
}

}  // namespace cotter::client
