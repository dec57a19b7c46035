#include <algorithm>
#include <utility>

#include "common/trust/refresh.h"

namespace cotter::trust {

DelegationWalk::DelegationWalk(TrustedSet set, TargetName target, std::optional<HardwareId> hardware)
    : set_(std::move(set)), target_(std::move(target)), hardware_(std::move(hardware)) {
  COTTER_ASSERT(set_.targets() != nullptr);
  stack_.push_back({model::targets_role(), model::root_role(), 0});
  advance();
}

bool DelegationWalk::applies(const model::DelegatedRole& role) const {
  if (!role.covers(target_)) return false;
  return role.any_hardware || !hardware_ || std::ranges::count(role.hardware_ids, *hardware_) > 0;
}

void DelegationWalk::enter(const Visit& visit, const Verified<model::Targets>& file) {
  if (const auto entry = file->targets.find(target_); entry != file->targets.end()) {
    found_ = Found{entry->second, visit.role};
    stack_.clear();
    return;
  }
  if (!file->delegations) return;
  const std::uint32_t depth = visit.depth + 1;
  std::vector<Visit> children;
  if (file->delegations->succinct) {
    stack_.clear();  // hash bins are terminating (TAP 15)
    children.push_back({file->delegations->succinct->bin_of(target_), visit.role, depth});
  }
  for (const model::DelegatedRole& role : file->delegations->roles) {
    if (!applies(role)) continue;
    children.push_back({role.name, visit.role, depth});
    if (role.terminating) {
      stack_.clear();  // no later sibling at any level above is tried (VER-43)
      break;
    }
  }
  stack_.insert(stack_.end(), children.rbegin(), children.rend());
}

Result<void> DelegationWalk::check_caps(const Visit& visit) const {
  const Limits& limits = set_.policy().limits;
  if (visited_.size() > limits.delegated_roles || visit.depth > limits.delegation_depth) {
    return located(refuse(RuleId::DelegationBomb,
                          std::to_string(limits.delegated_roles) + " roles and a depth of " +
                              std::to_string(limits.delegation_depth) + " at most",
                          "more"),
                   set_.policy().repository, visit.role.value());
  }
  return {};
}

/// Enters every role that is trusted already, until one must be loaded or none is left.
void DelegationWalk::advance() {
  while (!stack_.empty()) {
    const Visit visit = stack_.back();
    if (visited_.contains(visit.role)) {
      stack_.pop_back();
      continue;
    }
    if (const Result<void> caps = check_caps(visit); !caps) {
      broken_ = caps.error();
      stack_.clear();
      return;
    }
    const Verified<model::Targets>* file = set_.targets(visit.role, visit.delegator);
    if (file == nullptr) return;
    stack_.pop_back();
    visited_.insert(visit.role);
    enter(visit, *file);
  }
}

std::optional<Want> DelegationWalk::next() const {
  if (stack_.empty()) return std::nullopt;
  const RoleName& role = stack_.back().role;
  Want want{place_, role, std::nullopt, set_.max_bytes(role)};
  const model::FileMeta* listed = set_.listed(role);
  if (place_ == Place::Remote && set_.root()->consistent_snapshot && listed != nullptr)
    want.version = listed->version;
  return want;
}

Result<void> DelegationWalk::give(Bytes file) {
  COTTER_ASSERT(!stack_.empty());
  const Visit visit = stack_.back();
  if (place_ == Place::Stored) {
    // A stored file is as good as a fetched one when it passes the same checks; else it counts as absent.
    if (!set_.update_targets(std::move(file), visit.role, visit.delegator)) return absent();
    advance();
    return {};
  }
  if (const std::uint64_t cap = set_.max_bytes(visit.role); file.size() > cap) {
    TRY(located(refuse(RuleId::FileTooLarge, "at most " + std::to_string(cap) + " bytes",
                       std::to_string(file.size())),
                set_.policy().repository, visit.role.value()));
  }
  TRY(set_.update_targets(std::move(file), visit.role, visit.delegator));
  const Verified<model::Targets>& trusted = *set_.targets(visit.role, visit.delegator);
  effects_.emplace_back(
      Store{visit.role, trusted->version, Bytes(trusted.wire().begin(), trusted.wire().end())});
  place_ = Place::Stored;
  advance();
  return {};
}

Result<void> DelegationWalk::absent() {
  COTTER_ASSERT(!stack_.empty());
  if (place_ == Place::Stored) {
    // Not worth a request: what the snapshot does not list cannot be verified whatever it says (VER-41).
    if (set_.listed(stack_.back().role) == nullptr) {
      TRY(located(refuse(RuleId::TargetsNotInSnapshot, "an entry in the snapshot", "none"),
                  set_.policy().repository, stack_.back().role.value()));
    }
    place_ = Place::Remote;
    return {};
  }
  return fault(Fault::Kind::NotFound,
               std::string(name_of(set_.policy().repository)) + "/" + stack_.back().role.value() +
                   " is not on the repository, though the snapshot lists it",
               "the repository is being published, or its address is wrong");
}

std::vector<Effect> DelegationWalk::take_effects() { return std::exchange(effects_, {}); }

Result<Found> DelegationWalk::found() const {
  COTTER_ASSERT(stack_.empty());
  if (broken_) return fail(*broken_);
  if (found_) return *found_;
  TRY(located(
      refuse(RuleId::TargetNotFound, "an entry for " + target_.value(), "none in any role that may list it"),
      set_.policy().repository, model::targets_role().value()));
  return Found{{}, model::targets_role()};
}

TrustedSet DelegationWalk::take() && { return std::move(set_); }

}  // namespace cotter::trust
