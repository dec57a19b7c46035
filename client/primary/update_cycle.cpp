#include "client/primary/update_cycle.h"

#include <algorithm>
#include <set>

#include "common/model/file_names.h"
#include "common/trust/refresh.h"

namespace cotter::client {
namespace {

/// The repository as it was when the set was verified: what is stored, and nothing newer.
class StoredRepository final : public trust::Transport {
 public:
  StoredRepository(const trust::MetadataStore& store, Repository repository)
      : store_(store), repository_(repository) {}
  Result<Bytes> get(std::string_view path, std::uint64_t) override {
    // The drivers take everything else that they need from the store by themselves.
    if (path == "timestamp.json") {
      if (auto stored = TRY(store_.load(repository_, model::timestamp_role()))) return std::move(*stored);
    }
    return fault(Fault::Kind::NotFound, std::string(path) + " is not stored");
  }

 private:
  const trust::MetadataStore& store_;
  Repository repository_;
};

/// The primary's store, and whether a root or targets came that it did not have.
class WatchedStore final : public trust::MetadataStore {
 public:
  WatchedStore(trust::MetadataStore& store, bool& news) : store_(store), news_(news) {}
  Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const override {
    return store_.load(repository, role);
  }
  Result<void> commit(Repository repository, std::span<const trust::Effect> effects) override {
    news_ = news_ || std::ranges::any_of(effects, [](const trust::Effect& effect) {
              const auto* stored = std::get_if<trust::Store>(&effect);
              return stored != nullptr &&
                     (stored->role == model::root_role() || stored->role == model::targets_role());
            });
    return store_.commit(repository, effects);
  }

 private:
  trust::MetadataStore& store_;
  bool& news_;
};

bool runs(const VehicleReports& reports, const trust::Assignment& assignment) {
  const auto report = reports.verified.find(assignment.ecu());
  return report != reports.verified.end() && report->second->installed.length == assignment.target().length &&
         report->second->installed.hashes.agrees_with(assignment.target().hashes);
}

}  // namespace

bool CycleOutcome::all_installed() const {
  return !stopped && std::ranges::all_of(ecus, [](const EcuOutcome& ecu) { return ecu.outcome.installed; });
}

UpdateCycle::UpdateCycle(VehicleIdentity identity, Parts parts, CycleOptions options)
    : identity_(std::move(identity)),
      parts_(std::move(parts)),
      options_(options),
      dispatcher_(parts_.links, parts_.images, identity_.primary) {}

Result<CycleOutcome> UpdateCycle::run_once() {
  ecus_ = TRY(parts_.store.ecus());
  set_.clear();
  news_ = false;
  if (const auto known = parts_.time.known()) parts_.uplink.go_by(*known);
  CycleState state = TRY(parts_.store.cycle());
  CycleOutcome outcome;
  if (state.phase == Phase::Committing) {
    const auto resumed = resume(state);
    // Whatever came of it, the next cycle finds out what is still to do by asking the ECUs.
    state.phase = Phase::Idle;
    TRY(parts_.store.save(state));
    if (resumed && !resumed->empty()) {
      outcome.ecus = *resumed;
      TRY(report(outcome));
      TRY(parts_.store.settle());
      return outcome;
    }
  }
  const VehicleReports reports = collect_reports(ecus_, parts_.links);
  TRY(raise_floors(reports));
  TRY(send_manifest(reports, outcome));
  state.now =
      std::max(state.now, parts_.clock.now());  // a clock set back cannot bring expired metadata back to life
  auto installed = update(record_of(identity_.vin, ecus_, reports), state);
  if (installed) {
    outcome.ecus = std::move(*installed);
  } else {
    outcome.stopped = std::move(installed).error();
    if (news_) TRY(look_again());  // the ECUs that are not in the set have not heard of it yet
    if (const Rejection* why = rejection_in(*outcome.stopped)) parts_.note_attack(*why);
  }
  if (outcome.stopped || !outcome.ecus.empty()) TRY(report(outcome));
  TRY(parts_.store.settle());
  return outcome;
}

Result<void> UpdateCycle::look_again() {
  CycleState state = TRY(parts_.store.cycle());
  state.image_refreshed = {};
  return parts_.store.save(state);
}

Result<std::vector<EcuOutcome>> UpdateCycle::resume(const CycleState& state) {
  StoredRepository director_files(parts_.store, Repository::Director);
  StoredRepository image_files(parts_.store, Repository::Image);
  const trust::TrustedSet director = TRY(refresh(Repository::Director, state.now, director_files));
  const auto record = record_of(identity_.vin, ecus_, collect_reports(ecus_, parts_.links));
  const auto wanted = TRY(trust::pending(director, record));
  if (wanted.empty()) return std::vector<EcuOutcome>{};
  set_ = TRY(match_all(director, TRY(refresh(Repository::Image, state.now, image_files)), wanted, record,
                       image_files));
  return dispatcher_.commit_all(set_);
}

Result<std::vector<EcuOutcome>> UpdateCycle::update(const trust::VehicleRecord& record, CycleState state) {
  const trust::TrustedSet director = TRY(refresh_director(state));
  const auto wanted = TRY(trust::pending(director, record));
  // Once a day, and when the director's root or targets have changed: then the ECUs that are not in the set
  // must hear of it as well (PRI-15), and what they get must not have expired. A time that was far ahead and
  // has been taken back must not put this off for ever.
  const bool due = news_ || state.now < state.image_refreshed ||
                   state.now - state.image_refreshed >= options_.image_refresh_every;
  if (wanted.empty() && !due) return std::vector<EcuOutcome>{};
  trust::TrustedSet image = TRY(refresh(Repository::Image, state.now, parts_.uplink.image_repository()));
  state.image_refreshed = state.now;
  set_ = TRY(match_all(director, std::move(image), wanted, record, parts_.uplink.image_repository()));
  TRY(parts_.store.settle());  // what verified is kept before anything is done on its word
  if (!set_.empty()) TRY(download(set_));
  // Not before: a set that cannot be had whole is handed to nobody (PRI-20).
  if (due || news_) dispatcher_.tell_the_others(set_, parts_.store);
  if (set_.empty()) {
    TRY(parts_.store.save(state));
    return std::vector<EcuOutcome>{};
  }
  return install(set_, state);
}

const Bytes& UpdateCycle::pinned_root(Repository repository) const {
  return repository == Repository::Director ? identity_.director_root : identity_.image_root;
}

Result<trust::TrustedSet> UpdateCycle::anchor(UtcTime now, const trust::Policy& policy) {
  for (Bytes& stored : TRY(parts_.store.roots(policy.repository))) {
    auto set = trust::TrustedSet::anchored_at(std::move(stored), now, policy);
    if (set) return set;
  }
  const Bytes& pinned = pinned_root(policy.repository);
  if (pinned.empty()) {
    return fault(Fault::Kind::NotFound, "no pinned " + std::string(name_of(policy.repository)) + " root",
                 "provision this vehicle anew: a root is never taken from the network");
  }
  auto set = TRY(trust::TrustedSet::anchored_at(pinned, now, policy));
  const trust::Effect keep = trust::Store{model::root_role(), set.root()->version, pinned};
  TRY(parts_.store.commit(policy.repository, {&keep, 1}));
  return set;
}

Result<void> UpdateCycle::mend_roots(const trust::TrustedSet& newest, trust::Transport& transport) {
  const trust::Policy& policy = newest.policy();
  const Bytes& pinned = pinned_root(policy.repository);
  const std::vector<Bytes> roots = TRY(parts_.store.roots(policy.repository));
  if (pinned.empty() || (roots.size() == 1 && roots.front() == pinned)) return {};
  trust::TrustedSet chain = TRY(trust::TrustedSet::anchored_at(pinned, newest.now(), policy));
  const auto keep = [&](Bytes root) {
    const trust::Effect store = trust::Store{model::root_role(), chain.root()->version, std::move(root)};
    return parts_.store.commit(policy.repository, {&store, 1});
  };
  const auto stored = [&](Version version) {
    return parts_.store.file(policy.repository, model::root_role(), version);
  };
  if (TRY(stored(chain.root()->version)) != pinned) TRY(keep(pinned));
  while (chain.root()->version < newest.root()->version) {
    const Version next(chain.root()->version.value() + 1);
    if (std::optional<Bytes> there = TRY(stored(next)); there && chain.update_root(*there)) continue;
    Bytes fetched =
        TRY(transport.get(model::metadata_file_name(model::root_role(), next), policy.limits.root_bytes));
    TRY(chain.update_root(fetched));
    TRY(keep(std::move(fetched)));
  }
  return {};
}

trust::Policy UpdateCycle::policy_of(Repository repository) const {
  trust::Policy policy;
  policy.repository = repository;
  policy.limits = repository == Repository::Director ? options_.director_limits : options_.image_limits;
  if (repository == Repository::Director) {
    policy.vin = identity_.vin;
    policy.ecus.emplace();
    for (const KnownEcu& ecu : ecus_) policy.ecus->insert(ecu.serial);
  }
  return policy;
}

Result<trust::TrustedSet> UpdateCycle::refresh(Repository repository, UtcTime now,
                                               trust::Transport& transport) {
  trust::Refresh refresh(TRY(anchor(now, policy_of(repository))));
  WatchedStore store(parts_.store, news_);
  TRY(trust::drive(refresh, store, transport));
  // A hole in the past that cannot be mended now is no reason to keep the vehicle from what it can have.
  static_cast<void>(mend_roots(refresh.set(), transport));
  return std::move(refresh).take();
}

Result<trust::TrustedSet> UpdateCycle::refresh_director(CycleState& state) {
  trust::Refresh refresh(TRY(anchor(state.now, policy_of(Repository::Director))));
  WatchedStore store(parts_.store, news_);
  TRY(trust::drive_roots(refresh, store, parts_.uplink.director_roots()));
  if (const auto attested = TRY(parts_.time.ask(refresh.set().root(), parts_.note_attack))) {
    state.now = *attested;
    parts_.uplink.go_by(state.now);
  }
  TRY(refresh.end_roots(state.now));
  TRY(trust::drive(refresh, store, parts_.uplink.director()));
  static_cast<void>(mend_roots(refresh.set(), parts_.uplink.director()));  // as in refresh()
  return std::move(refresh).take();
}

Result<std::vector<trust::Assignment>> UpdateCycle::match_all(const trust::TrustedSet& director,
                                                              trust::TrustedSet image,
                                                              const std::vector<trust::Pending>& wanted,
                                                              const trust::VehicleRecord& record,
                                                              trust::Transport& transport) {
  for (const trust::Pending& pending : wanted) {
    trust::DelegationWalk walk(std::move(image), pending.name, pending.hardware_id);
    TRY(trust::drive(walk, parts_.store, transport));
    image = std::move(walk).take();
  }
  auto set = TRY(trust::match(director, image, record));
  TRY(trust::check_together(director, set, record));
  return set;
}

Result<void> UpdateCycle::download(const std::vector<trust::Assignment>& set) {
  for (const trust::Assignment& assignment : set) {
    TRY(parts_.images.obtain(assignment, [&](std::uint64_t offset, const auto& sink) {
      return parts_.uplink.download(assignment, offset, sink);
    }));
  }
  return parts_.images.keep_only(set);
}

Result<std::vector<EcuOutcome>> UpdateCycle::install(const std::vector<trust::Assignment>& set,
                                                     CycleState state) {
  state.phase = Phase::Staging;
  TRY(parts_.store.save(state));
  TRY(dispatcher_.stage_all(set, parts_.store));
  state.phase = Phase::Committing;
  TRY(parts_.store.save(state));
  auto outcomes = TRY(dispatcher_.commit_all(set));
  state.phase = Phase::Idle;
  TRY(parts_.store.save(state));
  return outcomes;
}

Result<void> UpdateCycle::raise_floors(const VehicleReports& reports) {
  for (KnownEcu& ecu : ecus_) {
    const auto report = reports.verified.find(ecu.serial);
    if (report == reports.verified.end() || report->second->release_counter <= ecu.floor) continue;
    ecu.floor = *report->second->release_counter;
    TRY(parts_.store.raise_floor(ecu.serial, ecu.floor));
  }
  return {};
}

Result<void> UpdateCycle::report(CycleOutcome& outcome) {
  const VehicleReports reports = collect_reports(ecus_, parts_.links);
  for (const trust::Assignment& assignment : set_) {
    // The ECU's own signed word, and nothing else, is a confirmation (GAP-20).
    if (runs(reports, assignment))
      TRY(parts_.store.raise_floor(assignment.ecu(), assignment.release_counter()));
  }
  return send_manifest(reports, outcome);
}

Result<void> UpdateCycle::send_manifest(const VehicleReports& reports, CycleOutcome& outcome) {
  const std::uint64_t counter = TRY(parts_.store.next_manifest_counter());
  const Bytes manifest =
      TRY(make_manifest(identity_.vin, identity_.primary, counter, reports, parts_.signer));
  outcome.unreported.reset();
  if (const auto sent = parts_.uplink.send_manifest(manifest); !sent) outcome.unreported = sent.error();
  return {};
}

}  // namespace cotter::client
