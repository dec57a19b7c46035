#include <iterator>

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
  if (profile == Profile::Vehicle && !is_releasable_role_name(role.value()) && !is_top_level(role)) {
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
  std::vector<std::pair<RoleName, FileMeta>> entries;
  entries.reserve(meta.members().size());
  for (const json::Member& member : meta.members()) {
    RoleName role = TRY(decode_role_name(member.key, profile));
    const json::ObjectView entry = TRY(json::ObjectView::of_member(member, meta.what()));
    FileMeta file = TRY(FileMeta::decode(entry));
    // As their files are called they come in order, but for a name that others begin with: "fw.json" behind
    // "fw-07.json". It moves those, each of which moves but once for each of its letters.
    auto place = entries.end();
    while (place != entries.begin() && role < std::prev(place)->first) --place;
    entries.emplace(place, std::move(role), std::move(file));
  }
  snapshot.meta = FlatMap<RoleName, FileMeta>(std::move(entries));
  snapshot.vin = TRY(decode_vin(view, profile));
  return snapshot;
}

json::Value Snapshot::encode() const {
  // Sorted as their files are called: "fw.json" comes behind "fw-07.json", and all of a large role's bins.
  Members files, waiting;
  files.reserve(meta.size());
  const auto let_go_before = [&](const json::String* name) {
    for (; !waiting.empty() && (name == nullptr || waiting.back().key < *name); waiting.pop_back())
      files.push_back(std::move(waiting.back()));
  };
  for (const auto& [role, file] : meta) {
    json::String name = role.value() + std::string(kExtension);
    let_go_before(&name);
    waiting.push_back({std::move(name), file.encode()});
  }
  let_go_before(nullptr);
  Members members = encode_header(*this, kType);
  members.push_back({"meta", json::Object(std::move(files))});
  encode_vin(vin, members);
  return json::Object(std::move(members));
}

}  // namespace cotter::model
