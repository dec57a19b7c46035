#include "common/trust/delegation_order.h"

#include <algorithm>
#include <string_view>

namespace cotter::trust {

bool applies(const model::DelegatedRole& entry, const TargetName& target,
             const std::optional<HardwareId>& hardware) {
  return entry.covers(target) && (!hardware || entry.is_for(*hardware));
}

Onward onward(const model::Delegations& delegations, const TargetName& target,
              const std::optional<HardwareId>& hardware) {
  Onward next;
  if (const auto& succinct = delegations.succinct) {
    next.ends_the_rest = true;  // hash bins are terminating (TAP 15)
    next.passages.push_back({{{succinct->bin_of(target), succinct->keys}}});
  }
  for (const model::DelegatedRole& entry : delegations.roles) {
    if (!applies(entry, target, hardware)) continue;
    next.passages.push_back({entry.roles(), entry.min_roles_in_agreement, &entry});
    if (entry.terminating) {
      next.ends_the_rest = true;
      break;
    }
  }
  return next;
}

bool agree(const model::Target& one, const model::Target& other) {
  const auto same_custom = [&](std::string_view member) {
    const json::Value *ours = one.custom.find(member), *theirs = other.custom.find(member);
    return ours == nullptr || theirs == nullptr ? ours == theirs : *ours == *theirs;
  };
  return one.length == other.length && one.hashes == other.hashes && one.unknown == other.unknown &&
         same_custom("mustMatch") && same_custom("hardwareIds") && same_custom("releaseCounter");
}

std::optional<Found> agreed_upon(std::span<const std::optional<Found>> answers, std::uint32_t least) {
  for (const auto& earliest : answers) {
    if (!earliest) continue;
    const auto same = std::ranges::count_if(
        answers, [&](const auto& other) { return other && agree(earliest->target, other->target); });
    if (static_cast<std::uint64_t>(same) >= least) return earliest;
  }
  return std::nullopt;
}

}  // namespace cotter::trust
