#include "client/secondary/intake.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cotter::client {
namespace {

trust::Policy policy_of(const EcuIdentity& identity, Repository repository) {
  trust::Policy policy;
  policy.repository = repository;
  if (repository == Repository::Director) {
    policy.limits = identity.director_limits;
    policy.vin = identity.vin;  // PVS-3; which ECUs the vehicle has is the primary's to know (FVS-4)
  } else {
    policy.limits = identity.image_limits;
  }
  return policy;
}

/// Whether the director mentions this ECU at all.
Result<bool> mentions(const model::Targets& targets, const EcuSerial& ecu) {
  for (const auto& [name, target] : targets.targets) {
    if (TRY(target.ecus()).contains(ecu)) return true;
  }
  return false;
}

bool stores_root(const trust::Effect& effect) {
  const auto* store = std::get_if<trust::Store>(&effect);
  return store != nullptr && store->role == model::root_role();
}

bool stores_targets(const trust::Effect& effect) {
  const auto* store = std::get_if<trust::Store>(&effect);
  return store != nullptr && store->role == model::targets_role();
}

}  // namespace

Result<trust::TrustedSet> Intake::anchor(const EcuIdentity& identity, trust::MetadataStore& store,
                                         UtcTime now, Repository repository) {
  const trust::Policy policy = policy_of(identity, repository);
  if (std::optional<Bytes> stored = TRY(store.load(repository, model::root_role()))) {
    auto set = trust::TrustedSet::anchored_at(*std::move(stored), now, policy);
    if (set) return set;
  }
  return trust::TrustedSet::anchored_at(
      repository == Repository::Director ? identity.director_root : identity.image_root, now, policy);
}

Result<trust::Verified<model::Root>> Intake::director_root(const EcuIdentity& identity,
                                                           trust::MetadataStore& store) {
  return TRY(anchor(identity, store, UtcTime{}, Repository::Director)).root();
}

Result<Intake> Intake::open(const EcuIdentity& identity, trust::MetadataStore& store, PullTime& time,
                            trust::ProvisionedEcu self) {
  trust::TrustedSet director = TRY(anchor(identity, store, UtcTime{}, Repository::Director));
  const auto scope = identity.verification == Verification::Full ? trust::Scope::Full : trust::Scope::Partial;
  return Intake(identity, store, time, std::move(self), trust::Refresh(std::move(director), scope));
}

Intake::Intake(const EcuIdentity& identity, trust::MetadataStore& store, PullTime& time,
               trust::ProvisionedEcu self, trust::Refresh director)
    : identity_(&identity), store_(&store), time_(&time), driver_(std::move(director)) {
  record_.vin = identity.vin;
  record_.ecus.push_back(std::move(self));
}

Repository Intake::repository() const noexcept {
  return director_ ? Repository::Image : Repository::Director;
}

std::optional<trust::Want> Intake::wanted() const {
  return std::visit([](const auto& driver) { return driver.next(); }, *driver_);
}

Result<std::optional<Intake::Need>> Intake::next() {
  while (driver_) {
    const std::optional<trust::Want> want = wanted();
    if (!want) {
      TRY(close_driver());
    } else if (want->place == trust::Place::Remote) {
      return std::optional(Need{repository(), *want});
    } else {
      TRY(step(TRY(store_->load(repository(), want->role))));
    }
  }
  return std::optional<Need>();
}

Result<void> Intake::give(Bytes file) { return step(std::move(file)); }
Result<void> Intake::absent() {
  const std::optional<trust::Want> want = wanted();
  if (!director_ && want && want->role == model::root_role()) return end_roots();
  return step(std::nullopt);
}

/// From here on there is a time to judge by: that of the newest root's source.
Result<void> Intake::end_roots() {
  auto& refresh = std::get<trust::Refresh>(*driver_);
  now_ = TRY(time_->at(refresh.set().root()));
  return refresh.end_roots(now_);
}

const Verdict& Intake::verdict() const {
  COTTER_ASSERT(verdict_);
  return *verdict_;
}

Result<void> Intake::step(std::optional<Bytes> file) {
  Result<void> taken = std::visit(
      [&](auto& driver) { return file ? driver.give(*std::move(file)) : driver.absent(); }, *driver_);
  // What verified before a later check failed stays trusted and stored.
  TRY(keep(std::visit([](auto& driver) { return driver.take_effects(); }, *driver_)));
  if (!taken) TRY(settle());
  return taken;
}

Result<void> Intake::keep(std::vector<trust::Effect> effects) {
  if (effects.empty()) return {};
  if (repository() == Repository::Director && std::ranges::any_of(effects, stores_targets)) {
    const trust::TrustedSet& set = std::get<trust::Refresh>(*driver_).set();
    // An ECU without an entry keeps its previous targets (INS-2).
    if (!TRY(mentions(**set.targets(), identity_->serial))) std::erase_if(effects, stores_targets);
  }
  const bool root = std::ranges::any_of(effects, stores_root);
  std::ranges::move(effects, std::back_inserter(kept_));
  return root ? settle() : Result<void>();
}

/// Nothing is installed on the word of what is not stored yet: this comes before any verdict.
Result<void> Intake::settle() {
  if (kept_.empty()) return {};
  return store_->commit(repository(), std::exchange(kept_, {}));
}

Result<void> Intake::close_driver() {
  Driver done = *std::exchange(driver_, std::nullopt);
  if (auto* walk = std::get_if<trust::DelegationWalk>(&done)) {
    TRY(settle());
    return judge_both(std::move(*walk).take());
  }
  trust::TrustedSet set = std::move(std::get<trust::Refresh>(done)).take();
  if (!director_) {
    TRY(settle());
    return judge_director(std::move(set));
  }
  if (!pending_) return settle();
  driver_.emplace(trust::DelegationWalk(std::move(set), pending_->name, pending_->hardware_id));
  return {};
}

Result<void> Intake::judge_director(trust::TrustedSet director) {
  if (identity_->verification == Verification::Partial) TRY(time_->learn(*director.targets()));
  verdict_.emplace(Verdict{std::nullopt, (*director.targets())->version});
  // Each ECU stands in a director's targets at most once (VER-37), so one image at most is pending.
  const auto pending = TRY(trust::pending(director, record_));
  director_.emplace(std::move(director));
  if (!pending.empty()) pending_ = pending.front();
  if (identity_->verification == Verification::Partial) {
    if (pending_)
      verdict_->permit = Permit::on_directors_word(TRY(trust::select(*director_, record_.ecus.front())));
    return {};
  }
  // With nothing to install as well: rotations must reach an ECU that idles (GAP-8, FVS-6).
  driver_.emplace(trust::Refresh(TRY(anchor(*identity_, *store_, now_, Repository::Image))));
  return {};
}

Result<void> Intake::judge_both(const trust::TrustedSet& image) {
  const auto assignments = TRY(trust::match(*director_, image, record_));
  if (!assignments.empty()) verdict_->permit.emplace(assignments.front());
  return {};
}

}  // namespace cotter::client
