#include "common/trust/refresh.h"

#include <utility>

#include "common/model/file_names.h"

namespace cotter::trust {
namespace {

/// The version in the file's name, where the repository names its files so (FMT-100).
std::optional<Version> named_version(const TrustedSet& set, const std::optional<model::FileMeta>& listed) {
  if (!set.root()->consistent_snapshot || !listed) return std::nullopt;
  return listed->version;
}

Result<void> check_size(const Policy& policy, const Want& want, ByteView file) {
  if (file.size() <= want.max_bytes) return {};
  return located(refuse(RuleId::FileTooLarge, "at most " + std::to_string(want.max_bytes) + " bytes",
                        std::to_string(file.size())),
                 policy.repository, want.role.value());
}

Error not_found(const Policy& policy, const RoleName& role) {
  return Fault{Fault::Kind::NotFound,
               std::string(name_of(policy.repository)) + "/" + role.value() + " is not on the repository",
               "the repository is being published, or its address is wrong"};
}

}  // namespace

Refresh::Refresh(TrustedSet anchored, Scope scope) : set_(std::move(anchored)), scope_(scope) {}

std::optional<Want> Refresh::next() const {
  const auto stored = [&](const RoleName& role) {
    return Want{Place::Stored, role, std::nullopt, set_.max_bytes(role)};
  };
  const auto remote = [&](const RoleName& role, std::optional<Version> version) {
    return Want{Place::Remote, role, version, set_.max_bytes(role)};
  };
  switch (step_) {
    case Step::Root:
      return remote(model::root_role(), Version(set_.root()->version.value() + 1));
    case Step::StoredTimestamp:
      return stored(model::timestamp_role());
    case Step::Timestamp:
      return remote(model::timestamp_role(), std::nullopt);
    case Step::StoredSnapshot:
      return stored(model::snapshot_role());
    case Step::Snapshot:
      return remote(model::snapshot_role(), named_version(set_, (*set_.timestamp())->snapshot));
    case Step::StoredTargets:
      return stored(model::targets_role());
    case Step::Targets:
      return remote(model::targets_role(), named_version(set_, set_.listed(model::targets_role())));
    case Step::Done:
      break;
  }
  return std::nullopt;
}

template <class T>
void Refresh::store(const RoleName& role, const Verified<T>& file) {
  effects_.emplace_back(Store{role, file->version, Bytes(file.wire().begin(), file.wire().end())});
}

Result<void> Refresh::give_root(Bytes file) {
  if (roots_ == set_.policy().limits.roots_per_cycle) {
    TRY(located(refuse(RuleId::RootsEndless, std::to_string(roots_) + " new roots at most", "more"),
                set_.policy().repository, model::root_role().value()));
  }
  const RootConsequences consequences = TRY(set_.update_root(std::move(file)));
  ++roots_;
  store(model::root_role(), set_.root());
  if (consequences.forget_timestamp_and_snapshot) {
    effects_.emplace_back(Forget{model::timestamp_role()});
    effects_.emplace_back(Forget{model::snapshot_role()});
  }
  if (consequences.forget_targets) effects_.emplace_back(Forget{model::targets_role()});
  return {};
}

Result<void> Refresh::end_roots(UtcTime now) {
  COTTER_ASSERT(step_ == Step::Root);
  TRY(set_.close_root_chain(now));
  step_ = scope_ == Scope::Full ? Step::StoredTimestamp : Step::StoredTargets;
  return {};
}

void Refresh::after_snapshot() {
  // Recalled before the snapshot was judged: a stored targets file is the floor, and may be current.
  step_ = Step::StoredTargets;
}

Result<void> Refresh::ask_for_targets() {
  // Not worth a request: what the snapshot does not list cannot be verified whatever it says.
  if (scope_ == Scope::Full && !set_.listed(model::targets_role())) {
    TRY(located(refuse(RuleId::TargetsNotInSnapshot, "an entry in the snapshot", "none"),
                set_.policy().repository, model::targets_role().value()));
  }
  step_ = Step::Targets;
  return {};
}

Result<void> Refresh::give_remote(Bytes file) {
  if (step_ == Step::Timestamp) {
    if (TRY(set_.update_timestamp(std::move(file)))) store(model::timestamp_role(), *set_.timestamp());
    step_ = Step::StoredSnapshot;
  } else if (step_ == Step::Snapshot) {
    TRY(set_.update_snapshot(std::move(file), snapshot_ahead_));
    store(model::snapshot_role(), *set_.snapshot());
    after_snapshot();
  } else {
    if (scope_ == Scope::Partial) {
      TRY(set_.update_targets_partially(std::move(file)));
    } else {
      TRY(set_.update_targets(std::move(file), model::targets_role(), model::root_role()));
    }
    store(model::targets_role(), *set_.targets());
    step_ = Step::Done;
  }
  return {};
}

Result<void> Refresh::give(Bytes file) {
  const std::optional<Want> want = next();
  COTTER_ASSERT(want);
  switch (step_) {
    case Step::StoredTimestamp:
      set_.recall_timestamp(std::move(file));
      step_ = Step::Timestamp;
      return {};
    case Step::StoredSnapshot:
      set_.recall_snapshot(std::move(file));
      if (set_.use_recalled_snapshot()) {
        after_snapshot();
      } else {
        step_ = Step::Snapshot;
      }
      return {};
    case Step::StoredTargets:
      set_.recall_targets(std::move(file));
      if (scope_ == Scope::Full && set_.use_recalled_targets()) {
        step_ = Step::Done;
        return {};
      }
      return ask_for_targets();
    default:
      break;
  }
  TRY(check_size(set_.policy(), *want, file));
  return step_ == Step::Root ? give_root(std::move(file)) : give_remote(std::move(file));
}

Result<void> Refresh::absent() {
  switch (step_) {
    case Step::Root:
      return end_roots(set_.now());
    case Step::StoredTimestamp:
      step_ = Step::Timestamp;
      return {};
    case Step::StoredSnapshot:
      step_ = Step::Snapshot;
      return {};
    case Step::StoredTargets:
      return ask_for_targets();
    default:
      COTTER_ASSERT(step_ != Step::Done);
      return fail(not_found(set_.policy(), next()->role));
  }
}

std::vector<Effect> Refresh::take_effects() { return std::exchange(effects_, {}); }

TrustedSet Refresh::take() && {
  COTTER_ASSERT(step_ == Step::Done);
  return std::move(set_);
}

namespace {

/// The file a driver wants, from where it wants it; nothing where it is definitely not there.
Result<std::optional<Bytes>> obtain(const Want& want, Repository repository, MetadataStore& store,
                                    Transport& transport) {
  if (want.place == Place::Stored) return store.load(repository, want.role);
  auto file = transport.get(model::metadata_file_name(want.role, want.version), want.max_bytes);
  if (file) return std::optional<Bytes>(std::move(*file));
  if (is_fault(file.error(), Fault::Kind::NotFound)) return std::optional<Bytes>();
  return fail(located(std::move(file).error(), repository, want.role.value()));
}

/// Commits what a step did, also when it was refused in the end.
template <class Driver>
Result<void> settle(Driver& driver, Repository repository, MetadataStore& store, Result<void> step) {
  if (const std::vector<Effect> effects = driver.take_effects(); !effects.empty()) {
    TRY(store.commit(repository, effects));
  }
  return step;
}

template <class Driver>
Result<void> drive_any(Driver& driver, Repository repository, MetadataStore& store, Transport& transport) {
  while (const std::optional<Want> want = driver.next()) {
    std::optional<Bytes> file = TRY(obtain(*want, repository, store, transport));
    TRY(settle(driver, repository, store, file ? driver.give(std::move(*file)) : driver.absent()));
  }
  return {};
}

}  // namespace

Result<void> drive(Refresh& refresh, MetadataStore& store, Transport& transport) {
  return drive_any(refresh, refresh.set().policy().repository, store, transport);
}

Result<void> drive_roots(Refresh& refresh, MetadataStore& store, Transport& transport) {
  const Repository repository = refresh.set().policy().repository;
  while (const std::optional<Want> want = refresh.next()) {
    COTTER_ASSERT(want->role == model::root_role());
    std::optional<Bytes> file = TRY(obtain(*want, repository, store, transport));
    if (!file) break;
    TRY(settle(refresh, repository, store, refresh.give(std::move(*file))));
  }
  return {};
}

Result<void> drive(DelegationWalk& walk, MetadataStore& store, Transport& transport) {
  return drive_any(walk, walk.set().policy().repository, store, transport);
}

}  // namespace cotter::trust
