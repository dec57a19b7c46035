// What the key of a release role may sign: the role's own file, which delegates to its own bins by this very
// key, and the bins. Versions rise with every release, in all files of the role together; a role may get more
// bins, never fewer. Never believes a name: a bin is known by the images that it lists. Pure, as policy.h.
#pragma once

#include <optional>
#include <string>

#include "server/signing/policy.h"

namespace cotter::signing {

/// Refusals: OtherRole, VehicleForeign, ReleaseDelegates.
Verdict<Content> read_release_file(const RoleName& role, ByteView message, const crypto::PublicKey& own);

/// All bins without an image: they say the same, so that one file stands for any of them.
inline constexpr std::string_view kEmptyBins = "empty";
/// Which of its role's files it is: "role", kEmptyBins, "bin 12"; nothing where its images belong to several
/// bins, or the number of bins is not known.
std::optional<std::string> file_of(const Content& content, const std::optional<ReleasePast>& past);

/// Refusals: BinForeign, VersionNotHigher.
std::optional<Refusal> judge_release(const Content& content, const Past& past);

}  // namespace cotter::signing
