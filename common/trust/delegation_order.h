// Whom a role passes the search for one image on to, and when several roles agree: the one reading of a list
// of delegations, for those who search and for those who ask who could sign. Never looks at a file or a
// signature. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/strong.h"
#include "common/model/roles.h"

namespace cotter::trust {

/// An image found, and who vouched for it.
struct Found {
  model::Target target;
  RoleName role;
};

/// One role, or several of which `least` must agree (VER-47), each with its keys.
struct Passage {
  std::vector<model::AgreeingRole> roles;  ///< never empty
  std::uint32_t least = 1;
  /// The entry; nullptr for a hash bin. Lives as long as the delegations that were asked.
  const model::DelegatedRole* entry = nullptr;
};

struct Onward {
  std::vector<Passage> passages;  ///< in order of priority
  /// The last of them is terminating: nothing that waited before is asked any more (VER-43).
  bool ends_the_rest = false;
};

/// The delegation is for this name, and for this hardware; `hardware`: none asks for the name alone (VER-44).
bool applies(const model::DelegatedRole& entry, const TargetName& target,
             const std::optional<HardwareId>& hardware);

/// Where the search goes from a role that does not list `target` (VER-40, VER-43, VER-45; TAP 15).
Onward onward(const model::Delegations& delegations, const TargetName& target,
              const std::optional<HardwareId>& hardware);

/// All that a target says apart from `custom`, and what must match in `custom`, in either style.
bool agree(const model::Target& one, const model::Target& other);

/// Of the sets of at least `least` answers that agree the one with the earliest; nothing where there is no
/// such set.
std::optional<Found> agreed_upon(std::span<const std::optional<Found>> answers, std::uint32_t least);

}  // namespace cotter::trust
