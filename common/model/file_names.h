// How metadata and image files are named on a repository: the one place that both sides take names from.
// Never lets a name leave its folder. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"

namespace cotter::model {

/// Percent-encodes everything but unreserved characters (RFC 3986 2.3), so that any role name is one segment
/// (FMT-73). A name of dots alone is encoded too.
std::string percent_encoded_segment(std::string_view name);
/// "targets.json", "7.targets.json": role name as one percent-encoded segment (FMT-100).
std::string metadata_file_name(const RoleName& role, std::optional<Version> version);
/// The name's path, each segment percent-encoded, the digest before the last segment where one is given
/// (FMT-101): "dir/HASH.file.bin".
std::string target_url_path(const TargetName& name, std::string_view digest_hex);

/// FMT-52: `^[A-Za-z0-9._+-]+(/[A-Za-z0-9._+-]+)*$`, no segment `.` or `..`, at most 255 bytes.
bool is_safe_target_name(std::string_view name) noexcept;
/// FMT-73: `^[A-Za-z0-9._-]{1,64}$` and no top-level role's name: what a server may create.
bool is_releasable_role_name(std::string_view name) noexcept;
/// Opaque identifiers (VIN, ECU serial, hardware id; GAP-31): 1 to 128 of printable ASCII but blank, `"`,
/// backslash, slash; and not dots alone, for an identifier may name a folder.
bool is_identifier(std::string_view name) noexcept;

}  // namespace cotter::model
