// A checksum over a record that a vehicle keeps: one flipped bit can leave good JSON that says something
// else. Against what storage does by itself; never against an attacker, who can write the checksum too.
// Values.
#pragma once

#include "common/json/object_view.h"
#include "common/json/value.h"

namespace cotter::trust {

/// Adds the member "sha256" over all others.
void seal(json::Object& record);
/// Records of before had no seal, and count as whole.
[[nodiscard]] bool is_whole(const json::ObjectView& record);

}  // namespace cotter::trust
