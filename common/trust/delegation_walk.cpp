#include <utility>

#include "common/trust/refresh.h"

namespace cotter::trust {

DelegationWalk::DelegationWalk(TrustedSet set, TargetName target, std::optional<HardwareId> hardware)
    : set_(std::move(set)), target_(std::move(target)), hardware_(std::move(hardware)) {
  COTTER_ASSERT(set_.targets() != nullptr);
  searches_.emplace_back().stack.push_back({model::targets_role(), model::root_role(), 0});
  advance();
}

void DelegationWalk::enter(const Visit& visit, const Verified<model::Targets>& file) {
  Search& search = searches_.back();
  if (const auto entry = file->targets.find(target_); entry != file->targets.end()) {
    search.found = Found{entry->second, visit.role};
    search.stack.clear();
    return;
  }
  if (!file->delegations) return;
  const Onward next = onward(*file->delegations, target_, hardware_);
  if (next.ends_the_rest) search.stack.clear();  // no later sibling at any level above is tried (VER-43)
  for (auto passage = next.passages.rbegin(); passage != next.passages.rend(); ++passage) {
    search.stack.push_back(visit_of(*passage, visit.role, visit.depth + 1));
  }
}

DelegationWalk::Visit DelegationWalk::visit_of(const Passage& passage, const RoleName& delegator,
                                               std::uint32_t depth) {
  Visit visit{passage.roles.front().name, delegator, depth};
  visit.is_bin = passage.entry == nullptr;
  if (passage.roles.size() == 1) return visit;  // whose agreement with itself is none
  for (const model::AgreeingRole& role : passage.roles) visit.together.push_back(role.name);
  visit.least = passage.least;
  return visit;
}

void DelegationWalk::ask_next_of_several() {
  const Agreement& agreement = agreements_.back();
  const RoleName& role = agreement.entry.together.at(agreement.answers.size());
  // A role above, which led here, is not asked again; one that another of the several has asked is (VER-47).
  Search search{{}, searches_.back().visited};
  search.stack.push_back({role, agreement.entry.delegator, agreement.entry.depth});
  searches_.push_back(std::move(search));
}

void DelegationWalk::take_answer() {
  Agreement& agreement = agreements_.back();
  agreement.answers.push_back(std::move(searches_.back().found));
  searches_.pop_back();
  if (agreement.answers.size() < agreement.entry.together.size()) return ask_next_of_several();
  std::optional<Found> agreed = agreed_upon(agreement.answers, agreement.entry.least);
  agreements_.pop_back();
  if (!agreed) return;
  searches_.back().found = std::move(agreed);
  searches_.back().stack.clear();
}

Result<void> DelegationWalk::check_caps(const Visit& visit) const {
  const Limits& limits = set_.policy().limits;
  if (looked_at_ > limits.delegated_roles || visit.depth > limits.delegation_depth) {
    return located(refuse(RuleId::DelegationBomb,
                          std::to_string(limits.delegated_roles) + " roles and a depth of " +
                              std::to_string(limits.delegation_depth) + " at most",
                          "more"),
                   set_.policy().repository, visit.role.value());
  }
  return {};
}

void DelegationWalk::give_up(Error why) {
  broken_ = std::move(why);
  agreements_.clear();
  searches_.assign(1, {});
}

/// Enters every role that is trusted already, until one must be loaded or none is left.
void DelegationWalk::advance() {
  while (!done() || !agreements_.empty()) {
    if (done()) {
      take_answer();
      continue;
    }
    Search& search = searches_.back();
    const Visit visit = current();
    if (!visit.together.empty()) {
      search.stack.pop_back();
      agreements_.push_back({visit});
      ask_next_of_several();
      continue;
    }
    if (search.visited.contains(visit.role)) {
      search.stack.pop_back();
      continue;
    }
    if (Result<void> caps = check_caps(visit); !caps) return give_up(std::move(caps).error());
    const Verified<model::Targets>* file = set_.targets(visit.role, visit.delegator);
    if (file == nullptr) return;
    search.stack.pop_back();
    search.visited.insert(visit.role);
    ++looked_at_;
    enter(visit, *file);
  }
}

std::optional<Want> DelegationWalk::next() const {
  if (done()) return std::nullopt;
  const RoleName& role = current().role;
  Want want{place_, role, std::nullopt, set_.max_bytes(role)};
  const std::optional<model::FileMeta> listed = set_.listed(role);
  if (place_ == Place::Remote && set_.root()->consistent_snapshot && listed) want.version = listed->version;
  return want;
}

Result<void> DelegationWalk::give(Bytes file) {
  COTTER_ASSERT(!done());
  const Visit visit = current();
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
  // A bin does not say which one it is. Listed by its version alone, a mirror can give another one for it;
  // that one, kept, would be taken again when the mirror is honest.
  const auto listed = set_.listed(visit.role);
  const bool may_be_another = visit.is_bin && !(listed && listed->hashes);
  if (!may_be_another || trusted->targets.contains(target_)) {
    effects_.emplace_back(
        Store{visit.role, trusted->version, Bytes(trusted.wire().begin(), trusted.wire().end())});
  }
  place_ = Place::Stored;
  advance();
  return {};
}

Result<void> DelegationWalk::absent() {
  COTTER_ASSERT(!done());
  if (place_ == Place::Stored) {
    // Not worth a request: what the snapshot does not list cannot be verified whatever it says (VER-41).
    if (!set_.listed(current().role)) {
      TRY(located(refuse(RuleId::TargetsNotInSnapshot, "an entry in the snapshot", "none"),
                  set_.policy().repository, current().role.value()));
    }
    place_ = Place::Remote;
    return {};
  }
  return fault(Fault::Kind::NotFound,
               std::string(name_of(set_.policy().repository)) + "/" + current().role.value() +
                   " is not on the repository, though the snapshot lists it",
               "the repository is being published, or its address is wrong");
}

std::vector<Effect> DelegationWalk::take_effects() { return std::exchange(effects_, {}); }

Result<Found> DelegationWalk::found() const {
  COTTER_ASSERT(done());
  if (broken_) return fail(*broken_);
  if (const auto& found = searches_.front().found) return *found;
  TRY(located(
      refuse(RuleId::TargetNotFound, "an entry for " + target_.value(), "none in any role that may list it"),
      set_.policy().repository, model::targets_role().value()));
  return Found{{}, model::targets_role()};
}

TrustedSet DelegationWalk::take() && { return std::move(set_); }

}  // namespace cotter::trust
