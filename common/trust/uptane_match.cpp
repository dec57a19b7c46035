#include "common/trust/uptane_match.h"

#include <algorithm>

namespace cotter::trust {
namespace {

using model::MustMatch;
using model::Target;

bool runs(const ProvisionedEcu& ecu, const TargetName& name, const Target& target) {
  return ecu.installed && ecu.installed->name == name && ecu.installed->length == target.length &&
         ecu.installed->hashes.agrees_with(target.hashes);
}

const ProvisionedEcu* find(const VehicleRecord& record, const EcuSerial& serial) {
  const auto found = std::ranges::find(record.ecus, serial, &ProvisionedEcu::serial);
  return found == record.ecus.end() ? nullptr : &*found;
}

Result<Found> look_up(const TrustedSet& image, const Pending& wanted, const Target& chosen) {
  DelegationWalk walk(image, wanted.name, wanted.hardware_id);
  COTTER_ASSERT(!walk.next());  // the caller has loaded the roles that lead here
  auto found = walk.found();
  if (found) return found;
  const Rejection* why = rejection_in(found.error());
  if (why == nullptr || why->rule != RuleId::TargetNotFound) return found;
  TRY(located(refuse(RuleId::MatchImageUnknown, wanted.name.value() + " in the image repository",
                     "the director's word alone"),
              Repository::Image, model::targets_role().value()));
  return Found{chosen, model::targets_role()};  // a mutant: takes the director's word
}

/// The enforceable-equality section on both sides (FMT-55), and the facts it states.
Result<MustMatch> check_custom(const Target& director, const Target& image, Profile profile) {
  const auto ours = TRY(image.must_match(profile));
  const auto theirs = TRY(director.must_match(profile));
  const bool sectioned =
      image.custom.find("mustMatch") != nullptr || director.custom.find("mustMatch") != nullptr;
  if (profile == Profile::Vehicle || sectioned) {
    if (!ours || !theirs || ours->all != theirs->all) {
      TRY(refuse(RuleId::MatchCustomDiffers, "equal custom.mustMatch", "different facts"));
    }
    return ours.value_or(MustMatch{});
  }
  // The flat style lists hardware on the image side alone. A counter that both state must be one; one that
  // the director alone states is still its word against its own earlier one (full_verification 10.4).
  MustMatch facts = ours.value_or(MustMatch{});
  if (theirs && director.custom.find("releaseCounter") != nullptr) {
    if (image.custom.find("releaseCounter") == nullptr) {
      facts.release_counter = theirs->release_counter;
    } else if (facts.release_counter != theirs->release_counter) {
      TRY(refuse(RuleId::MatchCustomDiffers, "equal releaseCounter", "different counters"));
    }
  }
  return facts;
}

Result<void> check_hardware(const Target& director, const MustMatch& facts, const ProvisionedEcu& ecu,
                            Profile profile) {
  const auto ecus = TRY(director.ecus());
  const auto own = ecus.find(ecu.serial);
  const bool listed = std::ranges::count(facts.hardware_ids, ecu.hardware_id) > 0 ||
                      (profile == Profile::Tuf && facts.hardware_ids.empty());
  if (own == ecus.end() || own->second != ecu.hardware_id || !listed) {
    TRY(refuse(RuleId::MatchHardwareWrong, "an image for " + ecu.hardware_id.value(),
               "one for other hardware"));
  }
  return {};
}

/// Length and hashes (PRI-30): a function listed on one side only is still checked on the image, so the lists
/// are joined.
Result<Target> check_content(const Target& director, const Target& image) {
  if (director.length != image.length) {
    TRY(refuse(RuleId::MatchLengthDiffers, std::to_string(image.length), std::to_string(director.length)));
  }
  if (!director.hashes.agrees_with(image.hashes)) {
    TRY(refuse(RuleId::MatchHashDiffers, "the image repository's hashes", "other hashes"));
  }
  Target joined = director;
  for (const auto function : {crypto::HashFunction::Sha256, crypto::HashFunction::Sha512}) {
    const Bytes* digest = image.hashes.find(function);
    if (digest != nullptr && joined.hashes.find(function) == nullptr) joined.hashes.set(function, *digest);
  }
  return joined;
}

}  // namespace

Result<std::vector<Pending>> pending(const TrustedSet& director, const VehicleRecord& record) {
  COTTER_ASSERT(director.targets() != nullptr);
  std::vector<Pending> wanted;
  for (const auto& [name, target] : (*director.targets())->targets) {
    for (const auto& [serial, hardware] : TRY(target.ecus())) {
      const ProvisionedEcu* ecu = find(record, serial);
      if (ecu == nullptr || runs(*ecu, name, target)) continue;
      wanted.push_back({name, serial, ecu->hardware_id});
    }
  }
  return wanted;
}

Result<std::vector<Assignment>> match(const TrustedSet& director, const TrustedSet& image,
                                      const VehicleRecord& record) {
  const Profile profile = director.policy().profile;
  const auto judge = [&](const Pending& wanted) -> Result<Assignment> {
    const ProvisionedEcu& ecu = *find(record, wanted.ecu);
    const Target& chosen = (*director.targets())->targets.at(wanted.name);
    const Found found = TRY(look_up(image, wanted, chosen));
    Target joined = TRY(check_content(chosen, found.target));
    const MustMatch facts = TRY(check_custom(chosen, found.target, profile));
    TRY(check_hardware(chosen, facts, ecu, profile));
    if (facts.release_counter < ecu.floor) {
      TRY(refuse(RuleId::MatchReleaseCounterLower, std::to_string(ecu.floor.value()) + " or higher",
                 std::to_string(facts.release_counter.value())));
    }
    return Assignment(ecu, wanted.name, std::move(joined), facts);
  };
  std::vector<Assignment> assignments;
  for (const Pending& wanted : TRY(pending(director, record))) {
    auto assignment = judge(wanted);
    if (!assignment) {
      return fail(located(concerning(std::move(assignment).error(), wanted.name.value()),
                          Repository::Director, model::targets_role().value()));
    }
    assignments.push_back(*std::move(assignment));
  }
  return assignments;
}

namespace {

/// One ECU once the set is installed.
struct Running {
  HardwareId hardware_id;
  ReleaseCounter counter;
};

std::string told(const model::Condition& condition) {
  std::string text = condition.hardware_id.value() + " from " + std::to_string(condition.min.value());
  if (condition.max != ReleaseCounter(UINT64_MAX)) text += " to " + std::to_string(condition.max.value());
  return text;
}

Result<void> check_conditions(const MustMatch& facts, const std::vector<Running>& after) {
  for (const model::Condition& need : facts.needs) {
    const auto meant = [&](const Running& ecu) { return ecu.hardware_id == need.hardware_id; };
    const bool met = std::ranges::any_of(after, meant) && std::ranges::all_of(after, [&](const Running& ecu) {
                       return !meant(ecu) || need.holds_for(ecu.counter);
                     });
    if (!met) TRY(refuse(RuleId::MatchRequirementUnmet, told(need), "another release, or no such ECU"));
  }
  for (const model::Condition& conflict : facts.conflicts) {
    const bool met = std::ranges::any_of(after, [&](const Running& ecu) {
      return ecu.hardware_id == conflict.hardware_id && conflict.holds_for(ecu.counter);
    });
    if (met) TRY(refuse(RuleId::MatchConflict, "no " + told(conflict), "one that would run beside it"));
  }
  return {};
}

const Assignment* find(const std::vector<Assignment>& set, const EcuSerial& ecu) {
  const auto found = std::ranges::find(set, ecu, &Assignment::ecu);
  return found == set.end() ? nullptr : &*found;
}

}  // namespace

Result<void> check_together(const TrustedSet& director, const std::vector<Assignment>& set,
                            const VehicleRecord& record) {
  if (set.empty()) return {};
  std::vector<Running> after;
  for (const ProvisionedEcu& ecu : record.ecus) {
    const Assignment* assigned = find(set, ecu.serial);
    after.push_back({ecu.hardware_id, assigned == nullptr ? ecu.floor : assigned->release_counter()});
  }
  const auto about = [&](const TargetName& image, Result<void> checked) -> Result<void> {
    if (checked) return checked;
    return fail(located(concerning(std::move(checked).error(), image.value()), Repository::Director,
                        model::targets_role().value()));
  };
  for (const Assignment& each : set) TRY(about(each.name(), check_conditions(each.facts(), after)));
  // Of what runs on there is the director's word alone, which a thief of its keys can leave out.
  for (const auto& [name, target] : (*director.targets())->targets) {
    const bool assigned = std::ranges::count(set, name, &Assignment::name) > 0;
    const auto facts = TRY(target.must_match(director.policy().profile));
    if (!assigned && facts) TRY(about(name, check_conditions(*facts, after)));
  }
  return {};
}

}  // namespace cotter::trust
