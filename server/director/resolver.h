// From what each ECU of a vehicle is to run to what its director's targets list (DIR-42 to DIR-45).
// Never lists an image that is not in the image repository, or an ECU of another vehicle. Pure.
#pragma once

#include <map>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/roles.h"
#include "server/inventory/vehicle.h"

namespace cotter::director {

using Entries = std::map<TargetName, model::Target>;

/// The full desired state (DIR-45): one entry an image, naming every ECU that is to run it (FMT-53, FMT-60);
/// ECUs without a desired image are left out. Fault: Conflict (two ECUs want one name with different
/// contents: the image was published anew under its name in between).
Result<Entries> resolve(const inventory::Vehicle& vehicle);

/// Whether this image may be assigned to this ECU (DIR-44), so that the vehicle need not be the first to
/// refuse. `image` is the image repository's verified entry. Rejections: match-custom-differs (it states no
/// hardware and no counter), match-hardware-wrong, match-release-counter-lower; member-*.
Result<void> check_assignable(const inventory::Ecu& ecu, const model::Target& image);

/// The part of an image repository's entry that a director repeats: length, hashes, custom.mustMatch
/// (DIR-43).
model::Target copied_entry(const model::Target& image);

}  // namespace cotter::director
