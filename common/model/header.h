// What the decoders and encoders of all documents share: header, key lists, key rings. Internal to
// common/model. Never decides whom to trust. Pure: safe on any thread.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/json/object_view.h"
#include "common/json/value.h"
#include "common/model/roles.h"

namespace cotter::model {

using Names = std::initializer_list<std::string_view>;
using Members = std::vector<json::Member>;

/// The object of a signed part, once its `_type` is known to be right: one document must not pass for another
/// (ATK-38). Rejections: member-missing, member-wrong-kind, role-type-wrong.
Result<json::ObjectView> open_typed(const json::Value& signed_part, std::string_view type);

/// `version` of a role's file or of an entry that lists one. Rejections: member-*, version-zero (FMT-4).
Result<Version> decode_version(const json::ObjectView& view);

/// spec_version, version and expires, in that order; `unknown` gets all members but the header's and `body`.
/// Rejections: member-*, spec-version-unsupported, version-zero, date-malformed.
Result<Header> decode_header(const json::ObjectView& view, Profile profile, Names body);
/// Unknown members and the header's own, for the role to append its body to.
Members encode_header(const Header& header, std::string_view type);

/// `keys` of a root or of delegations. Rejections: key-*, member-*.
Result<KeyRing> decode_keys(const json::ObjectView& keys, Profile profile);
json::Value encode_keys(const KeyRing& keys);

/// `keyids`, `threshold` and `x-classes`. A key id that `keys` does not hold can sign nothing: the Tuf
/// profile passes over it, the Vehicle profile refuses it. Rejections: member-*, threshold-zero,
/// threshold-above-keys (FMT-30; distinct keys count, FMT-22), of all keys and of each class.
Result<RoleKeys> decode_role_keys(const json::ObjectView& view, const KeyRing& keys, Profile profile);
inline const Names kRoleKeysMembers = {"keyids", "threshold", "x-classes"};
void encode_role_keys(const RoleKeys& keys, Members& into);

/// `vin`, where it is given (FMT-61). Rejection: member-wrong-kind.
Result<std::optional<VehicleId>> decode_vin(const json::ObjectView& view, Profile profile);
void encode_vin(const std::optional<VehicleId>& vin, Members& into);

/// A required string that is_identifier(). Rejections: member-missing, member-wrong-kind.
Result<std::string> decode_identifier(const json::ObjectView& view, std::string_view key);
Result<void> check_identifier(std::string_view text, std::string_view what);
/// A required list of hardware ids, as written. Rejections: member-missing, member-wrong-kind.
Result<std::vector<HardwareId>> decode_hardware_ids(const json::ObjectView& view, std::string_view key);
json::Value encode_hardware_ids(const std::vector<HardwareId>& ids);

/// A required list of strings. Rejections: member-missing, member-wrong-kind.
Result<std::vector<std::string>> decode_strings(const json::ObjectView& view, std::string_view key);
json::Value encode_strings(const std::vector<std::string>& strings);

/// An optional member; nullptr where it is absent, and, outside vehicles, where it is null, as serialisers of
/// other makes write an empty one.
const json::Value* find_given(const json::ObjectView& view, std::string_view key, Profile profile);

/// Copies of all members that `known` does not name (FMT-9).
json::Object other_members(const json::ObjectView& view, Names known, Names also_known = {});
/// Copies of `object`'s members; what is appended replaces a member of the same name.
Members members_of(const json::Object& object);

}  // namespace cotter::model
