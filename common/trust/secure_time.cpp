#include "common/trust/secure_time.h"

#include <algorithm>
#include <utility>

namespace cotter::trust {
namespace {

constexpr std::chrono::hours kYear(365 * 24);
constexpr std::chrono::hours kWorthAWrite(1);
/// How far an honest time source may be behind what an ECU has counted: a crystal that is wrong by 1 in 1000
/// gains as much in a week. An answer that was held back for longer is refused.
constexpr std::chrono::minutes kMostBehind(10);

std::string digest_of(const std::optional<model::TimeSource>& source) {
  return source ? source->digest() : std::string();
}

bool contains(std::span<const model::Nonce> nonces, const model::Nonce& nonce) {
  return std::ranges::find(nonces, nonce) != nonces.end();
}

}  // namespace

SecureTime::SecureTime(TimeRules rules, TimeState state)
    : rules_(std::move(rules)), state_(std::move(state)), saved_(state_) {
  state_.floor = std::max(state_.floor, rules_.earliest);
}

void SecureTime::learn(const Verified<model::Root>& root) {
  if (std::exchange(state_.root_expires, root->expires) != root->expires) changed_ = true;
  std::optional<model::TimeSource> source = model::TimeSource::of(*root);
  std::string digest = digest_of(source);
  // A root that says what it said before does not take back what newer targets said since.
  if (digest == state_.root_source) return;
  state_.root_source = std::move(digest);
  changed_ = true;
  change_source(std::move(source));
}

Result<void> SecureTime::learn(const Verified<model::Targets>& targets) {
  std::optional<model::TimeSource> source = TRY(model::TimeSource::of(*targets));
  if (source) change_source(std::move(source));
  return {};
}

void SecureTime::change_source(std::optional<model::TimeSource> source) {
  if (digest_of(source) == digest_of(state_.source)) return;
  // The first source that is ever learnt takes nothing back: the factory's time stays the floor.
  if (state_.source) {
    state_.floor = rules_.earliest;
    state_.attested.reset();
    state_.unconfirmed.reset();
    this_cycle_.reset();
  }
  state_.source = std::move(source);
  changed_ = true;
}

const model::Nonce& SecureTime::ask(const model::Nonce& fresh) {
  this_cycle_.reset();
  if (!nonce_) nonce_ = fresh;
  return *nonce_;
}

Result<void> SecureTime::accept(Bytes attestation, const std::optional<Uptime>& uptime) {
  return located(judge(nullptr, std::move(attestation), uptime), Repository::Director,
                 model::time_source_role().value());
}

Result<void> SecureTime::accept_for(std::span<const model::Nonce> request, Bytes attestation,
                                    const std::optional<Uptime>& uptime) {
  return located(judge(&request, std::move(attestation), uptime), Repository::Director,
                 model::time_source_role().value());
}

Result<void> SecureTime::judge(const std::span<const model::Nonce>* request, Bytes wire,
                               const std::optional<Uptime>& uptime) {
  COTTER_ASSERT(state_.source);
  if (wire.size() > model::kMaxTimeAttestationBytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(model::kMaxTimeAttestationBytes) + " bytes",
               std::to_string(wire.size())));
  }
  const Attestation answer =
      TRY(TRY(Unverified<model::TimeAttestation>::parse(std::move(wire), Profile::Vehicle))
              .verify(Authority::of_time_source(*state_.source)));
  TRY(check_nonces(answer, request));
  TRY(check_floor(answer->time, uptime));
  TRY(check_jump(answer->time));
  state_.floor = std::max(state_.floor, answer->time);
  if (uptime) state_.attested = TimeState::Attested{answer->time, *uptime};
  if (std::exchange(state_.unconfirmed, std::nullopt)) changed_ = true;
  this_cycle_ = answer->time;
  nonce_.reset();  // it has been answered, and answers no more
  return {};
}

Result<void> SecureTime::check_nonces(const Attestation& answer,
                                      const std::span<const model::Nonce>* request) const {
  const bool own = nonce_ && contains(answer->nonces, *nonce_);
  const bool all = request == nullptr || std::ranges::all_of(*request, [&](const model::Nonce& nonce) {
                     return contains(answer->nonces, nonce);
                   });
  if (!own || !all) {
    TRY(refuse(RuleId::TimeNonceMissing, own ? "the nonces of every ECU" : "the nonce that was asked with",
               "others"));
  }
  if (rules_.vin && answer->vin && *answer->vin != *rules_.vin) {
    TRY(refuse(RuleId::TimeNonceForeign, "an answer to vehicle " + rules_.vin->value(),
               shown(answer->vin->value())));
  }
  if (request != nullptr && std::ranges::any_of(answer->nonces, [&](const model::Nonce& nonce) {
        return !contains(*request, nonce);
      })) {
    TRY(refuse(RuleId::TimeNonceForeign, "the nonces of this request alone", "another"));
  }
  return {};
}

Result<void> SecureTime::check_floor(UtcTime time, const std::optional<Uptime>& uptime) const {
  UtcTime floor = state_.floor;
  if (const auto counted = counted_on(uptime)) floor = std::max(floor, *counted - kMostBehind);
  if (time < floor) TRY(refuse(RuleId::TimeBeforeFloor, format_utc(floor) + " or later", format_utc(time)));
  return {};
}

Result<void> SecureTime::check_jump(UtcTime time) {
  const UtcTime furthest = state_.root_expires + kYear;
  if (time <= furthest) return {};
  const bool confirms =
      state_.unconfirmed && time >= *state_.unconfirmed && time - *state_.unconfirmed <= rules_.longest;
  if (confirms) return {};
  state_.unconfirmed = time;
  changed_ = true;
  nonce_.reset();
  return refuse(RuleId::TimeJumpUnconfirmed,
                format_utc(furthest) + " at the latest, a year after the director's root expires",
                format_utc(time) + ", until another attestation confirms it");
}

std::optional<UtcTime> SecureTime::counted_on(const std::optional<Uptime>& uptime) const {
  if (!uptime || !state_.attested || state_.attested->at.boot != uptime->boot) return std::nullopt;
  const std::chrono::seconds passed = uptime->since - state_.attested->at.since;
  if (passed < std::chrono::seconds(0) || passed > rules_.longest) return std::nullopt;
  return state_.attested->time + passed;
}

Result<UtcTime> SecureTime::now(const std::optional<Uptime>& uptime) const {
  if (const auto known = uptime ? counted_on(uptime) : this_cycle_) return *known;
  TRY(located(
      refuse(RuleId::TimeNotAttested,
             uptime ? "a time attested within the last " +
                          std::to_string(
                              std::chrono::duration_cast<std::chrono::hours>(rules_.longest).count()) +
                          " hours"
                    : "a time attested in this cycle",
             "none"),
      Repository::Director, model::time_source_role().value()));
  return state_.floor;
}

UtcTime SecureTime::latest(const std::optional<Uptime>& uptime) const {
  return std::max(state_.floor, counted_on(uptime).value_or(state_.floor));
}

bool SecureTime::needs_saving() const {
  const auto boot = [](const TimeState& state) { return state.attested ? state.attested->at.boot : ""; };
  return changed_ || state_.floor - saved_.floor >= kWorthAWrite || boot(state_) != boot(saved_);
}

void SecureTime::saved() {
  saved_ = state_;
  changed_ = false;
}

}  // namespace cotter::trust
