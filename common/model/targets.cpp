#include "common/model/file_names.h"
#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

constexpr std::string_view kBareKeys = "keys_for_delegations";  // TAP 3

Result<void> check_target_name(std::string_view name, Profile profile) {
  const bool allowed = profile == Profile::Vehicle ? is_safe_target_name(name) : !name.empty();
  if (allowed) return {};
  return refuse(RuleId::TargetNameUnsafe,
                profile == Profile::Vehicle
                    ? "segments of A-Z a-z 0-9 . _ + - between slashes, 255 bytes at most"
                    : "a name",
                shown(name));
}

Result<std::map<TargetName, Target>> decode_targets(const json::ObjectView& view, Profile profile) {
  std::map<TargetName, Target> targets;
  for (const json::Member& member : view.members()) {
    TRY(check_target_name(member.key, profile));
    const json::ObjectView entry = TRY(json::ObjectView::of_member(member, view.what()));
    Target target = TRY(Target::decode(entry));
    targets.emplace_hint(targets.end(), TargetName(member.key), std::move(target));
  }
  return targets;
}

}  // namespace

Result<Target> Target::decode(const json::ObjectView& view) {
  Target target;
  target.length = TRY(view.integer("length"));
  const json::Value* hashes = TRY(view.value("hashes"));
  target.hashes = TRY(crypto::Hashes::decode(*hashes));
  const json::Value* custom = view.find("custom");
  const json::Object* facts = custom == nullptr ? nullptr : custom->as_object();
  if (facts != nullptr) target.custom = *facts;
  target.unknown = other_members(view, {"length", "hashes", "custom"});
  // Anything at all, says TUF; what is no object says nothing that we look for.
  if (custom != nullptr && facts == nullptr) target.unknown.set("custom", *custom);
  return target;
}

json::Value Target::encode() const {
  Members members = members_of(unknown);
  members.push_back({"length", json::Value(length)});
  members.push_back({"hashes", hashes.encode()});
  if (!custom.empty()) members.push_back({"custom", json::Value(custom)});
  return json::Object(std::move(members));
}

Result<Targets> Targets::decode(const json::Value& signed_part, Profile profile) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  const json::Value* delegated = find_given(view, "delegations", profile);
  const json::Array* bare_list = delegated == nullptr ? nullptr : delegated->as_array();
  const Names body = {"targets", "delegations", "vin"};
  const Names bare_body = {"targets", "delegations", "vin", kBareKeys};
  Targets targets;
  static_cast<Header&>(targets) = TRY(decode_header(view, profile, bare_list == nullptr ? body : bare_body));
  const json::ObjectView entries = TRY(view.object("targets"));
  targets.targets = TRY(decode_targets(entries, profile));
  if (bare_list != nullptr) {
    const json::ObjectView keys = TRY(view.object(kBareKeys));
    targets.delegations = TRY(Delegations::decode_bare_list(keys, *bare_list, profile));
  } else if (delegated != nullptr) {
    const json::ObjectView delegations = TRY(view.object("delegations"));
    targets.delegations = TRY(Delegations::decode(delegations, profile));
  }
  targets.vin = TRY(decode_vin(view, profile));
  return targets;
}

json::Value Targets::encode() const {
  Members entries;
  entries.reserve(targets.size());
  for (const auto& [name, target] : targets) entries.push_back({name.value(), target.encode()});
  Members members = encode_header(*this, kType);
  members.push_back({"targets", json::Object(std::move(entries))});
  if (delegations && delegations->bare_list) {
    members.push_back({std::string(kBareKeys), encode_keys(delegations->keys)});
    members.push_back({"delegations", delegations->encode_list()});
  } else if (delegations) {
    members.push_back({"delegations", delegations->encode()});
  }
  encode_vin(vin, members);
  return json::Object(std::move(members));
}

}  // namespace cotter::model
