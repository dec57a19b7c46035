#include "common/trust/trusted_set.h"

#include <algorithm>
#include <array>

#include "common/trust/director_targets.h"

namespace cotter::trust {
namespace {

using model::FileMeta;

std::string number(Version version) { return std::to_string(version.value()); }

/// The distinct keys behind a role, however they are named, and its threshold.
std::pair<std::set<std::string>, std::uint32_t> keys_of(const model::Root& root, const RoleName& role) {
  const model::RoleKeys& keys = root.roles.at(role);
  std::set<std::string> materials;
  for (const KeyId& id : keys.keyids) {
    if (const auto key = root.keys.find(id); key != root.keys.end()) materials.insert(key->second.material());
  }
  return {materials, keys.threshold};
}

/// VER-8. A vehicle starts afresh at any change of keys, and for targets too (GAP-3). Plain TUF (5.3.11)
/// knows neither floor for targets nor a reason to forget while the keys that signed the floor are still
/// trusted: a key added or a threshold raised must not open a way back to older files.
RootConsequences consequences_of(const model::Root& trusted, const model::Root& next, Profile profile) {
  const auto rotated = [&](const RoleName& role) {
    const auto before = keys_of(trusted, role), after = keys_of(next, role);
    return profile == Profile::Vehicle ? before != after : !std::ranges::includes(after.first, before.first);
  };
  RootConsequences consequences;
  consequences.forget_targets = profile == Profile::Vehicle && rotated(model::targets_role());
  consequences.forget_timestamp_and_snapshot =
      consequences.forget_targets || rotated(model::timestamp_role()) || rotated(model::snapshot_role());
  return consequences;
}

struct MetaRules {
  RuleId length, hash;
};

/// The raw bytes against what the parent lists (FMT-27): every listed hash, and the length.
Result<void> check_bytes(ByteView file, const FileMeta& listed, MetaRules rules) {
  if (listed.length && file.size() != *listed.length) {
    TRY(refuse(rules.length, std::to_string(*listed.length) + " bytes", std::to_string(file.size())));
  }
  if (listed.hashes && !listed.hashes->match(file)) {
    TRY(refuse(rules.hash, "the hashes that its parent lists", "other bytes"));
  }
  return {};
}

Result<void> check_expiry(UtcTime expires, UtcTime now, RuleId rule) {
  if (now >= expires) TRY(refuse(rule, "expiry after " + format_utc(now), format_utc(expires)));
  return {};
}

/// The cap on a file that no parent gives a length for.
std::uint64_t cap_of(const RoleName& role, const Limits& limits) {
  if (role == model::root_role()) return limits.root_bytes;
  if (role == model::timestamp_role()) return limits.timestamp_bytes;
  return role == model::snapshot_role() ? limits.snapshot_bytes : limits.targets_bytes;
}

/// Ties every Rejection of a step to the file it is about.
template <class T>
Result<T> about(const Policy& policy, const RoleName& role, Result<T> result) {
  return located(std::move(result), policy.repository, role.value());
}

template <class T>
std::shared_ptr<const Verified<T>> shared(Verified<T> file) {
  return std::make_shared<const Verified<T>>(std::move(file));
}

}  // namespace

TrustedSet::TrustedSet(Verified<model::Root> root, UtcTime now, Policy policy)
    : policy_(std::move(policy)), now_(now), root_(std::move(root)) {}

Result<TrustedSet> TrustedSet::anchored_at(Bytes pinned_root, UtcTime now, Policy policy) {
  const auto anchor = [&]() -> Result<Verified<model::Root>> {
    return TRY(Unverified<model::Root>::parse(std::move(pinned_root), policy.profile)).verify_anchor();
  };
  auto root = TRY(about(policy, model::root_role(), anchor()));
  return TrustedSet(std::move(root), now, std::move(policy));
}

Result<RootConsequences> TrustedSet::update_root(Bytes fetched) {
  COTTER_ASSERT(!root_closed_);
  const auto judge = [&]() -> Result<Verified<model::Root>> {
    auto next =
        TRY(TRY(Unverified<model::Root>::parse(std::move(fetched), policy_.profile)).verify_successor(root_));
    const Version expected(root_->version.value() + 1);
    if (next->version != expected)
      TRY(refuse(RuleId::RootVersionNotNext, number(expected), number(next->version)));
    return next;
  };
  auto next = TRY(about(policy_, model::root_role(), judge()));
  const RootConsequences consequences = consequences_of(*root_, *next, policy_.profile);
  root_ = std::move(next);
  return consequences;
}

Result<void> TrustedSet::close_root_chain(UtcTime now) {
  COTTER_ASSERT(!root_closed_);
  TRY(about(policy_, model::root_role(), check_expiry(root_->expires, now, RuleId::RootExpired)));
  now_ = now;
  root_closed_ = true;
  return {};
}

Result<void> TrustedSet::check_vin(const std::optional<VehicleId>& vin, bool required) const {
  if (policy_.repository != Repository::Director || !policy_.vin) return {};
  if (!vin && !required) return {};
  if (vin != policy_.vin) {
    TRY(refuse(RuleId::DirectorOtherVehicle, "vehicle " + policy_.vin->value(),
               vin ? vin->value() : "no vehicle id"));
  }
  return {};
}

bool TrustedSet::recall_timestamp(Bytes stored) {
  COTTER_ASSERT(root_closed_ && !timestamp_);
  auto file = Unverified<model::Timestamp>::parse(std::move(stored), policy_.profile);
  if (!file) return false;
  auto verified = std::move(*file).verify(Authority::of_root(root_, model::timestamp_role()));
  if (!verified) return false;
  timestamp_floor_ = shared(std::move(*verified));
  return true;
}

TrustedSet TrustedSet::next_cycle(UtcTime now) const {
  TrustedSet next(root_, now, policy_);
  next.timestamp_floor_ = timestamp_;
  next.snapshot_floor_ = snapshot_;
  if (const auto found = targets_.find({model::targets_role(), model::root_role()}); found != targets_.end())
    next.targets_floor_ = found->second;
  return next;
}

bool TrustedSet::recall_snapshot(Bytes stored) {
  COTTER_ASSERT(root_closed_ && !snapshot_);
  auto file = Unverified<model::Snapshot>::parse(std::move(stored), policy_.profile);
  if (!file) return false;
  auto verified = std::move(*file).verify(Authority::of_root(root_, model::snapshot_role()));
  if (!verified) return false;
  snapshot_floor_ = shared(std::move(*verified));
  return true;
}

bool TrustedSet::recall_targets(Bytes stored) {
  COTTER_ASSERT(root_closed_ && targets() == nullptr);
  auto file = Unverified<model::Targets>::parse(std::move(stored), policy_.profile);
  if (!file) return false;
  auto verified = std::move(*file).verify(Authority::of_root(root_, model::targets_role()));
  if (!verified) return false;
  targets_floor_ = shared(std::move(*verified));
  return true;
}

Result<void> TrustedSet::check_same_timestamp(const Verified<model::Timestamp>& fetched) const {
  // Two contents under one version: somebody can sign, and does not know (or does not care) what was signed
  // before.
  if (policy_.profile == Profile::Vehicle && !std::ranges::equal(fetched.wire(), timestamp_floor_->wire())) {
    TRY(refuse(RuleId::TimestampSameVersionDiffers,
               "the bytes trusted as version " + number(fetched->version), "other bytes"));
  }
  return {};
}

Result<bool> TrustedSet::update_timestamp(Bytes fetched) {
  COTTER_ASSERT(root_closed_ && !timestamp_);
  bool unchanged = false;
  const auto judge = [&]() -> Result<std::shared_ptr<const Verified<model::Timestamp>>> {
    auto next = TRY(TRY(Unverified<model::Timestamp>::parse(std::move(fetched), policy_.profile))
                        .verify(Authority::of_root(root_, model::timestamp_role())));
    TRY(check_vin(next->vin, policy_.profile == Profile::Vehicle));
    if (timestamp_floor_) {
      const Verified<model::Timestamp>& floor = *timestamp_floor_;
      if (next->version < floor->version) {
        TRY(refuse(RuleId::TimestampOlderThanTrusted, "version " + number(floor->version) + " or later",
                   number(next->version)));
      }
      // Before anything else it says is weighed: of an equal version the stored file stays (TUF 5.4.3.1).
      if (next->version == floor->version) {
        TRY(check_same_timestamp(next));
        TRY(check_expiry(floor->expires, now_, RuleId::TimestampExpired));
        unchanged = true;
        return timestamp_floor_;
      }
      if (next->snapshot.version < floor->snapshot.version) {
        TRY(refuse(RuleId::TimestampSnapshotOlder,
                   "snapshot " + number(floor->snapshot.version) + " or later",
                   number(next->snapshot.version)));
      }
    }
    TRY(check_expiry(next->expires, now_, RuleId::TimestampExpired));
    return shared(std::move(next));
  };
  timestamp_ = TRY(about(policy_, model::timestamp_role(), judge()));
  return !unchanged;
}

Result<void> TrustedSet::check_same_snapshot(const Verified<model::Snapshot>& fetched) const {
  if (policy_.profile == Profile::Vehicle && fetched->version == (*snapshot_floor_)->version &&
      !std::ranges::equal(fetched.wire(), snapshot_floor_->wire())) {
    TRY(refuse(RuleId::SnapshotSameVersionDiffers, "the bytes trusted as version " + number(fetched->version),
               "other bytes"));
  }
  return {};
}

/// The same of a delegated file, which only the snapshots tell of (ATK-21). The top-level one is compared
/// byte by byte.
Result<void> TrustedSet::check_same_listing(const model::MetaFiles::Entry& trusted,
                                            const model::MetaFiles::Entry& listed) const {
  if (policy_.profile == Profile::Tuf || trusted.role == model::targets_role().value()) return {};
  const FileMeta before = trusted.meta(), now = listed.meta();
  if (before.hashes && now.hashes && now.hashes->contradicts(*before.hashes)) {
    TRY(refuse(RuleId::TargetsSameVersionDiffers,
               "the hash of " + std::string(trusted.role) + " trusted as version " + number(trusted.version),
               "another hash"));
  }
  return {};
}

/// No file may vanish or get older. A legacy entry of the root's says nothing (FMT-47).
Result<void> TrustedSet::check_listing(const model::MetaFiles& trusted, const model::MetaFiles& next) const {
  auto found = next.begin();  // both are in order of name
  for (auto file = trusted.begin(); file != trusted.end(); ++file) {
    while (found != next.end() && found.file_name() < file.file_name()) ++found;
    if (found != next.end() && found.says_as(file)) continue;  // as nearly all do, and they are many
    const model::MetaFiles::Entry before = *file;
    if (before.role == model::root_role().value()) continue;
    if (found == next.end() || found.file_name() != file.file_name()) {
      TRY(refuse(RuleId::SnapshotTargetsVanished, std::string(before.role) + " still listed", "not listed"));
      continue;
    }
    const model::MetaFiles::Entry now = *found;
    if (now.version < before.version) {
      TRY(refuse(RuleId::SnapshotTargetsOlder,
                 std::string(before.role) + " version " + number(before.version) + " or later",
                 number(now.version)));
    } else if (now.version == before.version) {
      TRY(check_same_listing(before, now));
    }
  }
  return {};
}

Result<void> TrustedSet::check_snapshot(const Verified<model::Snapshot>& next) const {
  const FileMeta& listed = (*timestamp_)->snapshot;
  TRY(check_vin(next->vin, policy_.profile == Profile::Vehicle));
  if (next->version != listed.version) {
    TRY(refuse(RuleId::SnapshotVersionWrong, number(listed.version), number(next->version)));
  }
  if (snapshot_floor_) {
    const model::Snapshot& floor = **snapshot_floor_;
    if (next->version < floor.version) {
      TRY(refuse(RuleId::SnapshotOlderThanTrusted, "version " + number(floor.version) + " or later",
                 number(next->version)));
    }
    TRY(check_same_snapshot(next));
    TRY(check_listing(floor.meta, next->meta));
  }
  return check_expiry(next->expires, now_, RuleId::SnapshotExpired);
}

Result<void> TrustedSet::check_snapshot_bytes(ByteView fetched) const {
  return check_bytes(fetched, (*timestamp_)->snapshot,
                     {RuleId::SnapshotLengthWrong, RuleId::SnapshotHashWrong});
}

bool TrustedSet::use_recalled_snapshot() {
  COTTER_ASSERT(timestamp_ && !snapshot_);
  if (!snapshot_floor_) return false;
  const bool fits = check_snapshot_bytes(snapshot_floor_->wire()).has_value() &&
                    check_snapshot(*snapshot_floor_).has_value();
  if (fits) snapshot_ = snapshot_floor_;
  return fits;
}

Result<void> TrustedSet::update_snapshot(Bytes fetched, const ContentSource& ahead) {
  COTTER_ASSERT(timestamp_ && !snapshot_);
  using File = Unverified<model::Snapshot>;
  const auto judge = [&]() -> Result<Verified<model::Snapshot>> {
    TRY(check_snapshot_bytes(fetched));
    std::optional<ContentAhead> content = ahead ? ahead() : std::nullopt;
    auto file = TRY(content ? File::parse(std::move(fetched), policy_.profile, *std::move(content))
                            : File::parse(std::move(fetched), policy_.profile));
    auto next = TRY(std::move(file).verify(Authority::of_root(root_, model::snapshot_role())));
    TRY(check_snapshot(next));
    return next;
  };
  snapshot_ = shared(TRY(about(policy_, model::snapshot_role(), judge())));
  return {};
}

Result<void> TrustedSet::check_targets(const Verified<model::Targets>& next, const RoleName& role) const {
  const bool top_level = role == model::targets_role();
  if (policy_.repository == Repository::Director && top_level) {
    TRY(check_vin(next->vin, true));
    TRY(check_director_targets(*next, policy_));
  }
  // Plain TUF dropped this comparison, so that rotating the snapshot key recovers from a fast-forward
  // (GAP-3). A delegated file's floor is its entry in the stored snapshot (VER-25), for the same reason
  // (ATK-21).
  if (policy_.profile == Profile::Vehicle && top_level && targets_floor_) {
    const Verified<model::Targets>& floor = *targets_floor_;
    if (next->version < floor->version) {
      TRY(refuse(RuleId::TargetsOlderThanTrusted, "version " + number(floor->version) + " or later",
                 number(next->version)));
    }
    if (next->version == floor->version && !std::ranges::equal(next.wire(), floor.wire())) {
      TRY(refuse(RuleId::TargetsSameVersionDiffers, "the bytes trusted as version " + number(floor->version),
                 "other bytes"));
    }
  }
  return check_expiry(next->expires, now_, RuleId::TargetsExpired);
}

Result<Verified<model::Targets>> TrustedSet::judge_targets(Bytes fetched, const RoleName& role,
                                                           const RoleName& delegator) const {
  const std::optional<FileMeta> meta = listed(role);
  if (!meta) {
    // Unlisted and not refused: only a mutant comes here, and reads the file as if nothing had been said of
    // it.
    TRY(refuse(RuleId::TargetsNotInSnapshot, "an entry in the snapshot", "none"));
  } else {
    TRY(check_bytes(fetched, *meta, {RuleId::TargetsLengthWrong, RuleId::TargetsHashWrong}));
  }
  const bool top_level = role == model::targets_role();
  const Verified<model::Targets>* parent = top_level ? nullptr : targets_of(delegator);
  COTTER_ASSERT(top_level || parent != nullptr);
  const Authority authority =
      top_level ? Authority::of_root(root_, role) : TRY(Authority::of_delegation(*parent, role));
  auto next =
      TRY(TRY(Unverified<model::Targets>::parse(std::move(fetched), policy_.profile)).verify(authority));
  if (meta && next->version != meta->version) {
    TRY(refuse(RuleId::TargetsVersionWrong, number(meta->version), number(next->version)));
  }
  // Two parents may lead to one role; were its content to differ between them, one's keys could speak for the
  // other's paths.
  if (const auto* other = targets_of(role);
      other != nullptr && !std::ranges::equal(other->wire(), next.wire())) {
    TRY(refuse(RuleId::TargetsSameVersionDiffers, "the bytes trusted through another parent", "other bytes"));
  }
  TRY(check_targets(next, role));
  return next;
}

bool TrustedSet::use_recalled_targets() {
  COTTER_ASSERT(snapshot_ && targets() == nullptr);
  if (!targets_floor_) return false;
  const std::optional<FileMeta> meta = listed(model::targets_role());
  if (!meta || (*targets_floor_)->version != meta->version) return false;
  const bool fits =
      check_bytes(targets_floor_->wire(), *meta, {RuleId::TargetsLengthWrong, RuleId::TargetsHashWrong})
          .has_value() &&
      check_targets(*targets_floor_, model::targets_role()).has_value();
  if (fits) targets_[{model::targets_role(), model::root_role()}] = targets_floor_;
  return fits;
}

Result<void> TrustedSet::update_targets(Bytes fetched, const RoleName& role, const RoleName& delegator) {
  COTTER_ASSERT(snapshot_);
  targets_[{role, delegator}] =
      shared(TRY(about(policy_, role, judge_targets(std::move(fetched), role, delegator))));
  return {};
}

Result<void> TrustedSet::update_targets_partially(Bytes fetched) {
  COTTER_ASSERT(root_closed_ && targets() == nullptr);
  const auto judge = [&]() -> Result<Verified<model::Targets>> {
    auto next = TRY(TRY(Unverified<model::Targets>::parse(std::move(fetched), policy_.profile))
                        .verify(Authority::of_root(root_, model::targets_role())));
    TRY(check_targets(next, model::targets_role()));
    return next;
  };
  targets_[{model::targets_role(), model::root_role()}] =
      shared(TRY(about(policy_, model::targets_role(), judge())));
  return {};
}

const Verified<model::Targets>* TrustedSet::targets() const noexcept {
  return targets(model::targets_role(), model::root_role());
}

const Verified<model::Targets>* TrustedSet::targets(const RoleName& role,
                                                    const RoleName& delegator) const noexcept {
  const auto found = targets_.find({role, delegator});
  return found == targets_.end() ? nullptr : found->second.get();
}

const Verified<model::Targets>* TrustedSet::targets_of(const RoleName& role) const noexcept {
  // A role's content is fixed by the snapshot, whichever parent led to it; only the keys differ.
  for (const auto& [edge, file] : targets_) {
    if (edge.first == role) return file.get();
  }
  return nullptr;
}

std::optional<FileMeta> TrustedSet::listed(const RoleName& role) const {
  if (!snapshot_) return std::nullopt;
  return (*snapshot_)->meta.find(role);
}

std::uint64_t TrustedSet::max_bytes(const RoleName& role) const {
  std::optional<FileMeta> meta;
  if (role == model::snapshot_role()) {
    if (timestamp_) meta = (*timestamp_)->snapshot;
  } else if (role != model::root_role() && role != model::timestamp_role()) {
    meta = listed(role);
  }
  if (!meta || !meta->length) return cap_of(role, policy_.limits);
  return std::min(*meta->length, policy_.limits.listed_bytes);
}

}  // namespace cotter::trust
