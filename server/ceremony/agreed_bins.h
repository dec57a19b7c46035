// How many hashed bins (TAP 15) the holders of targets let a role have: they sign it with the role's entry,
// for the role's own file, which says how many there are, is signed by others: a release role's by an online
// key alone, a supplier's by its own. Never looked at by a vehicle, which takes the bins as the role's file
// has them. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/model/roles.h"

namespace cotter::ceremony {

/// Two to this power is the number of bins that was agreed on; nothing where the entry does not say, or says
/// something else than a bit length.
std::optional<std::uint32_t> agreed_bits(const model::DelegatedRole& entry);
void agree_on_bits(model::DelegatedRole& entry, std::uint32_t bits);

}  // namespace cotter::ceremony
