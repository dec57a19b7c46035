#include "common/model/file_names.h"
#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

constexpr std::string_view kExtension = ".json";

/// The role that a file name stands for: "brakes.json" is about "brakes".
Result<RoleName> decode_role_name(std::string_view file, Profile profile) {
  const bool well_named = file.size() > kExtension.size() && file.ends_with(kExtension);
  if (!well_named)
    TRY(refuse(RuleId::MemberWrongKind, "signed.meta names of the form ROLE.json", shown(file)));
  RoleName role(std::string(file.substr(0, well_named ? file.size() - kExtension.size() : file.size())));
  if (profile == Profile::Vehicle && !is_top_level(role) && !is_releasable_role_name(role.value())) {
    TRY(refuse(RuleId::RoleNameUnsafe, "1 to 64 of A-Z a-z 0-9 . _ -", shown(role.value())));
  }
  return role;
}

}  // namespace

Result<Snapshot> Snapshot::decode(const json::Value& signed_part, Profile profile) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  Snapshot snapshot;
  static_cast<Header&>(snapshot) = TRY(decode_header(view, profile, {"meta", "vin"}));
  const json::ObjectView meta = TRY(view.object("meta"));
  for (const json::Member& member : meta.members()) {
    RoleName role = TRY(decode_role_name(member.key, profile));
    const json::ObjectView entry =
        TRY(json::ObjectView::of(member.value, "signed.meta." + shown(member.key)));
    FileMeta file = TRY(FileMeta::decode(entry));
    snapshot.meta.emplace(std::move(role), std::move(file));
  }
  snapshot.vin = TRY(decode_vin(view, profile));
  return snapshot;
}

json::Value Snapshot::encode() const {
  Members files;
  files.reserve(meta.size());
  for (const auto& [role, file] : meta)
    files.push_back({role.value() + std::string(kExtension), file.encode()});
  Members members = encode_header(*this, kType);
  members.push_back({"meta", json::Object(std::move(files))});
  encode_vin(vin, members);
  return json::Object(std::move(members));
}

}  // namespace cotter::model
