#include <algorithm>
#include <set>

#include "common/model/file_names.h"
#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

constexpr std::string_view kHardwareIds = "x-hardwareIds";

/// FMT-73. A delegated role that is called like a top-level one would stand for two files in the snapshot.
Result<void> check_role_name(std::string_view name, Profile profile) {
  const bool allowed =
      profile == Profile::Vehicle ? is_releasable_role_name(name) : !name.empty() && !is_top_level(name);
  if (allowed) return {};
  return refuse(RuleId::RoleNameUnsafe,
                std::string(profile == Profile::Vehicle ? "1 to 64 of A-Z a-z 0-9 . _ -" : "a name") +
                    ", and not a top-level role's",
                shown(name));
}

/// FMT-73: exactly one of the two ways to say which paths.
Result<void> decode_paths(const json::ObjectView& view, Profile profile, DelegatedRole& role) {
  const bool has_paths = find_given(view, "paths", profile) != nullptr;
  const bool has_prefixes = find_given(view, "path_hash_prefixes", profile) != nullptr;
  if (has_paths == has_prefixes) {
    TRY(refuse(RuleId::DelegationPathsAmbiguous,
               "paths or path_hash_prefixes for role " + shown(role.name.value()),
               has_paths ? "both" : "neither"));
  }
  if (has_paths) role.paths = TRY(decode_strings(view, "paths"));
  if (has_prefixes) role.path_hash_prefixes = TRY(decode_strings(view, "path_hash_prefixes"));
  return {};
}

// TAP 3: several roles that must agree.

Result<std::vector<AgreeingRole>> decode_roleinfo(const json::ObjectView& view, const KeyRing& keys,
                                                  Profile profile) {
  std::vector<AgreeingRole> roles;
  std::set<RoleName> names;
  for (const json::Value& value : *TRY(view.array("roleinfo"))) {
    const json::ObjectView entry = TRY(json::ObjectView::of(value, "delegations.roles[].roleinfo[]"));
    AgreeingRole role;
    role.name = RoleName(TRY(entry.string("rolename")));
    TRY(check_role_name(role.name.value(), profile));
    role.keys = TRY(decode_role_keys(entry, keys, profile));
    role.unknown = other_members(entry, {"rolename"}, kRoleKeysMembers);
    if (!names.insert(role.name).second) {
      TRY(refuse(RuleId::DelegationRepeated, "each role once in a roleinfo", shown(role.name.value())));
    }
    roles.push_back(std::move(role));
  }
  return roles;
}

/// 1 to as many as there are: an agreement of nobody must not vouch for an image, one of more can never come.
Result<std::uint32_t> decode_agreement(const json::ObjectView& view, std::size_t roles) {
  const std::uint64_t least = TRY(view.integer("min_roles_in_agreement"));
  if (least == 0) TRY(refuse(RuleId::ThresholdZero, "min_roles_in_agreement of 1 or more", "0"));
  if (least > roles) {
    TRY(refuse(RuleId::ThresholdAboveKeys, "min_roles_in_agreement of at most " + std::to_string(roles),
               std::to_string(least)));
  }
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(least, 1, UINT32_MAX));
}

void encode_roleinfo(const DelegatedRole& role, Members& into) {
  json::Array array;
  array.reserve(role.roleinfo.size());
  for (const AgreeingRole& each : role.roleinfo) {
    Members members = members_of(each.unknown);
    members.push_back({"rolename", json::Value(each.name.value())});
    encode_role_keys(each.keys, members);
    array.emplace_back(json::Object(std::move(members)));
  }
  into.push_back({"min_roles_in_agreement", json::Value(std::uint64_t{role.min_roles_in_agreement})});
  into.push_back({"roleinfo", json::Value(std::move(array))});
}

// An entry of either kind.

Result<DelegatedRole> decode_role(const json::Value& value, const KeyRing& keys, Profile profile) {
  const json::ObjectView view = TRY(json::ObjectView::of(value, "delegations.roles[]"));
  DelegatedRole role;
  role.name = RoleName(TRY(view.string("name")));
  TRY(check_role_name(role.name.value(), profile));
  const bool several = view.find("roleinfo") != nullptr;  // FMT-76
  if (several) {
    role.roleinfo = TRY(decode_roleinfo(view, keys, profile));
    role.min_roles_in_agreement = TRY(decode_agreement(view, role.roleinfo.size()));
  } else {
    role.keys = TRY(decode_role_keys(view, keys, profile));
  }
  TRY(decode_paths(view, profile, role));
  role.any_hardware = view.find(kHardwareIds) == nullptr;
  if (!role.any_hardware) role.hardware_ids = TRY(decode_hardware_ids(view, kHardwareIds));
  if (find_given(view, "terminating", profile) != nullptr)
    role.terminating = TRY(view.boolean("terminating"));
  const Names common = {"name", "paths", "path_hash_prefixes", kHardwareIds, "terminating"};
  role.unknown = several ? other_members(view, common, {"roleinfo", "min_roles_in_agreement"})
                         : other_members(view, common, kRoleKeysMembers);
  return role;
}

json::Value encode_role(const DelegatedRole& role) {
  Members members = members_of(role.unknown);
  members.push_back({"name", json::Value(role.name.value())});
  if (role.roleinfo.empty()) {
    encode_role_keys(role.keys, members);
  } else {
    encode_roleinfo(role, members);
  }
  if (role.path_hash_prefixes.empty()) {
    members.push_back({"paths", encode_strings(role.paths)});
  } else {
    members.push_back({"path_hash_prefixes", encode_strings(role.path_hash_prefixes)});
  }
  if (!role.any_hardware)
    members.push_back({std::string(kHardwareIds), encode_hardware_ids(role.hardware_ids)});
  members.push_back({"terminating", json::Value(role.terminating)});
  return json::Object(std::move(members));
}

Result<std::vector<DelegatedRole>> decode_roles(const json::Array& array, const KeyRing& keys,
                                                Profile profile) {
  std::vector<DelegatedRole> roles;
  roles.reserve(array.size());  // so that what is in it stays where it is
  std::set<RoleName> names;
  // A role may be asked for its agreement in several entries, but there is one answer to who it is.
  std::map<RoleName, const RoleKeys*> keys_by_role;
  const auto is_another = [&](const RoleName& name, const RoleKeys& its) {
    return *keys_by_role.emplace(name, &its).first->second != its;
  };
  for (const json::Value& value : array) {
    const DelegatedRole& role = roles.emplace_back(TRY(decode_role(value, keys, profile)));
    bool repeated = !names.insert(role.name).second;
    if (role.roleinfo.empty()) repeated = repeated || is_another(role.name, role.keys);
    for (const AgreeingRole& each : role.roleinfo) repeated = repeated || is_another(each.name, each.keys);
    if (repeated) {
      TRY(refuse(RuleId::DelegationRepeated, "each role once in delegations.roles",
                 shown(role.name.value())));
    }
  }
  return roles;
}

// TAP 15

constexpr std::uint32_t kMostBits = 32;

std::size_t suffix_digits(std::uint32_t bit_length) { return (bit_length + 3) / 4; }

std::string bin_name(const SuccinctRoles& roles, std::uint64_t bin) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string name = roles.name_prefix + "-";
  for (std::size_t digit = suffix_digits(roles.bit_length); digit > 0; --digit) {
    name += kHex[(bin >> (4 * (digit - 1))) & 0xFU];
  }
  return name;
}

Result<SuccinctRoles> decode_succinct(const json::ObjectView& view, const KeyRing& keys, Profile profile) {
  SuccinctRoles roles;
  roles.keys = TRY(decode_role_keys(view, keys, profile));
  const std::uint64_t bits = TRY(view.integer("bit_length"));
  if (bits < 1 || bits > kMostBits) {
    TRY(refuse(RuleId::MemberWrongKind, view.what() + ".bit_length of 1 to 32", std::to_string(bits)));
  }
  roles.bit_length = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bits, 1, kMostBits));
  roles.name_prefix = TRY(view.string("name_prefix"));
  TRY(check_role_name(bin_name(roles, 0), profile));
  roles.unknown = other_members(view, {"bit_length", "name_prefix"}, kRoleKeysMembers);
  return roles;
}

json::Value encode_succinct(const SuccinctRoles& roles) {
  Members members = members_of(roles.unknown);
  encode_role_keys(roles.keys, members);
  members.push_back({"bit_length", json::Value(std::uint64_t{roles.bit_length})});
  members.push_back({"name_prefix", json::Value(roles.name_prefix)});
  return json::Object(std::move(members));
}

}  // namespace

bool DelegatedRole::is_for(const HardwareId& hardware) const {
  return any_hardware || std::find(hardware_ids.begin(), hardware_ids.end(), hardware) != hardware_ids.end();
}

bool DelegatedRole::covers(const TargetName& target) const {
  const std::string_view path = target.value();
  if (std::any_of(paths.begin(), paths.end(),
                  [&](const auto& pattern) { return glob_matches(pattern, path); })) {
    return true;
  }
  if (path_hash_prefixes.empty()) return false;
  const std::string digest = to_hex(crypto::sha256(as_bytes(path)));
  return std::any_of(path_hash_prefixes.begin(), path_hash_prefixes.end(),
                     [&](const std::string& prefix) { return digest.starts_with(prefix); });
}

std::vector<AgreeingRole> DelegatedRole::roles() const {
  return roleinfo.empty() ? std::vector<AgreeingRole>{{name, keys}} : roleinfo;
}

const RoleKeys* Delegations::keys_of(const RoleName& role) const noexcept {
  for (const DelegatedRole& entry : roles) {
    if (entry.roleinfo.empty() && entry.name == role) return &entry.keys;
    const auto found = std::find_if(entry.roleinfo.begin(), entry.roleinfo.end(),
                                    [&](const AgreeingRole& each) { return each.name == role; });
    if (found != entry.roleinfo.end()) return &found->keys;
  }
  return succinct && succinct->has(role) ? &succinct->keys : nullptr;
}

RoleName SuccinctRoles::bin_of(const TargetName& target) const {
  const Bytes digest = crypto::sha256(as_bytes(target.value()));
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits = bits << 8U | digest[i];
  return RoleName(bin_name(*this, bits >> (kMostBits - bit_length)));
}

RoleName SuccinctRoles::bin(std::uint64_t number) const { return RoleName(bin_name(*this, number)); }

bool SuccinctRoles::has(const RoleName& name) const {
  std::string_view rest = name.value();
  if (!rest.starts_with(name_prefix)) return false;
  rest.remove_prefix(name_prefix.size());
  if (!rest.starts_with('-') || rest.size() != 1 + suffix_digits(bit_length)) return false;
  std::uint64_t bin = 0;
  for (const char c : rest.substr(1)) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit && !(c >= 'a' && c <= 'f')) return false;
    bin = bin << 4U | static_cast<std::uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  return bin >> bit_length == 0;
}

Result<Delegations> Delegations::decode(const json::ObjectView& view, Profile profile) {
  Delegations delegations;
  const json::ObjectView keys = TRY(view.object("keys"));
  delegations.keys = TRY(decode_keys(keys, profile));
  const bool has_succinct = view.find("succinct_roles") != nullptr;
  if (has_succinct) {
    const json::ObjectView succinct = TRY(view.object("succinct_roles"));
    delegations.succinct = TRY(decode_succinct(succinct, delegations.keys, profile));
    if (view.find("roles") != nullptr) {
      TRY(refuse(RuleId::DelegationPathsAmbiguous, "delegations with roles or succinct_roles", "both"));
    }
  } else {
    const json::Array* roles = TRY(view.array("roles"));
    delegations.roles = TRY(decode_roles(*roles, delegations.keys, profile));
  }
  delegations.unknown = other_members(view, {"keys", "roles", "succinct_roles"});
  return delegations;
}

Result<Delegations> Delegations::decode_bare_list(const json::ObjectView& keys, const json::Array& list,
                                                  Profile profile) {
  Delegations delegations;
  delegations.bare_list = true;
  delegations.keys = TRY(decode_keys(keys, profile));
  delegations.roles = TRY(decode_roles(list, delegations.keys, profile));
  return delegations;
}

json::Value Delegations::encode_list() const {
  json::Array array;
  array.reserve(roles.size());
  for (const DelegatedRole& role : roles) array.push_back(encode_role(role));
  return array;
}

json::Value Delegations::encode() const {
  Members members = members_of(unknown);
  members.push_back({"keys", encode_keys(keys)});
  if (succinct) {
    members.push_back({"succinct_roles", encode_succinct(*succinct)});
  } else {
    members.push_back({"roles", encode_list()});
  }
  return json::Object(std::move(members));
}

}  // namespace cotter::model
