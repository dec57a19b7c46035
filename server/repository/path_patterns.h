// Whether delegations can mean the same names: patterns as common/model reads them, and hash prefixes.
// Never answers for one name, as glob_matches() does, but for all. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "common/model/roles.h"

namespace cotter::repository {

/// Some name fits both patterns: exactly so. In time of the product of their lengths.
bool patterns_overlap(std::string_view one, std::string_view other);

/// Every name that fits `narrow` fits `wide`. False too where the patterns are too knotty to tell.
bool pattern_covers(std::string_view wide, std::string_view narrow);

/// Of stars alone, as `*` and `*/*`: every name of so many segments.
bool is_catch_all(std::string_view pattern);

/// By which patterns or prefixes two entries of delegations can mean one name, each as it is written; none
/// where they cannot, or not for the same hardware. A pattern with wildcards and a hash prefix always can.
std::optional<std::pair<std::string, std::string>> shared_paths(const model::DelegatedRole& one,
                                                                const model::DelegatedRole& other);

/// Every name and hardware that `narrow` is for, `wide` is for too. False too where it cannot be told.
bool entry_covers(const model::DelegatedRole& wide, const model::DelegatedRole& narrow);

/// Every name there is: the prefixes leave none out.
bool covers_every_hash(const model::DelegatedRole& entry);

}  // namespace cotter::repository
