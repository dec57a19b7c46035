#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

/// FMT-103. An absent flag means off: that is what it meant before it became a rule.
Result<bool> decode_consistent_snapshot(const json::ObjectView& view, Profile profile) {
  const bool given = view.find("consistent_snapshot") != nullptr;
  const bool on = given && TRY(view.boolean("consistent_snapshot"));
  if (!on && profile == Profile::Vehicle) {
    TRY(refuse(RuleId::ConsistentSnapshotOff, "consistent_snapshot true", given ? "false" : "absent"));
  }
  return on;
}

Result<RoleKeys> decode_role(const json::Member& member, const KeyRing& keys, Profile profile) {
  const json::ObjectView view = TRY(json::ObjectView::of_member(member, "signed.roles"));
  RoleKeys role = TRY(decode_role_keys(view, keys, profile));
  role.unknown = other_members(view, kRoleKeysMembers);
  return role;
}

Result<std::map<RoleName, RoleKeys>> decode_roles(const json::ObjectView& view, const KeyRing& keys,
                                                  Profile profile) {
  std::map<RoleName, RoleKeys> roles;
  for (const json::Member& member : view.members()) {
    RoleKeys role = TRY(decode_role(member, keys, profile));
    roles.emplace_hint(roles.end(), RoleName(member.key), std::move(role));
  }
  for (const RoleName* name : {&root_role(), &timestamp_role(), &snapshot_role(), &targets_role()}) {
    if (roles.contains(*name)) continue;
    TRY(refuse(RuleId::RoleMissing, "signed.roles." + name->value(), "absent"));
    roles[*name];  // Nobody may sign for it.
  }
  return roles;
}

}  // namespace

Result<Root> Root::decode(const json::Value& signed_part, Profile profile) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  Root root;
  static_cast<Header&>(root) = TRY(decode_header(view, profile, {"consistent_snapshot", "keys", "roles"}));
  root.consistent_snapshot = TRY(decode_consistent_snapshot(view, profile));
  const json::ObjectView keys = TRY(view.object("keys"));
  root.keys = TRY(decode_keys(keys, profile));
  const json::ObjectView roles = TRY(view.object("roles"));
  root.roles = TRY(decode_roles(roles, root.keys, profile));
  return root;
}

json::Value Root::encode() const {
  Members role_members;
  for (const auto& [name, role] : roles) {
    Members role_object = members_of(role.unknown);
    encode_role_keys(role, role_object);
    role_members.push_back({name.value(), json::Object(std::move(role_object))});
  }
  Members members = encode_header(*this, kType);
  members.push_back({"consistent_snapshot", json::Value(consistent_snapshot)});
  members.push_back({"keys", encode_keys(keys)});
  members.push_back({"roles", json::Object(std::move(role_members))});
  return json::Object(std::move(members));
}

}  // namespace cotter::model
