// What the publication of a release into bins has a hash over: a line "ROLE SHA256" of each file of it.
// Never judges: whoever asks holds the lines against that hash. Pure but for what it is handed to read by.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/roles.h"

namespace cotter::app {

/// A file of the image repository; nothing where there is none. Faults: Denied, Io.
using ReadFile = std::function<Result<std::optional<Bytes>>(const RoleName&, Version)>;

/// What those lines are called in a folder of proofs: "9.fw.release".
inline constexpr std::string_view kReleaseEnd = ".release";
std::string release_name(const RoleName& role, Version version);

/// Of the role's own file and of those bins that have this version, by name. Faults: those of `file`.
Result<std::string> release_lines(const ReadFile& file, const RoleName& role, Version version,
                                  const model::SuccinctRoles& bins);

}  // namespace cotter::app
