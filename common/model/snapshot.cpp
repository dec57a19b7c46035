#include "common/model/file_names.h"
#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

constexpr std::string_view kExtension = ".json";

/// The role that a file name stands for: "brakes.json" is about "brakes".
std::string_view role_of(std::string_view file) {
  if (file.ends_with(kExtension)) file.remove_suffix(kExtension.size());
  return file;
}

std::string file_of(const RoleName& role) { return role.value() + std::string(kExtension); }

Result<void> check_file_name(std::string_view file, Profile profile) {
  if (file.size() <= kExtension.size() || !file.ends_with(kExtension))
    TRY(refuse(RuleId::MemberWrongKind, "signed.meta names of the form ROLE.json", shown(file)));
  const std::string_view role = role_of(file);
  if (profile == Profile::Vehicle && !is_releasable_role_name(role) && !is_top_level(role)) {
    TRY(refuse(RuleId::RoleNameUnsafe, "1 to 64 of A-Z a-z 0-9 . _ -", shown(role)));
  }
  return {};
}

/// As the many bins of a large repository do: there is nothing more to decode.
bool says_version_alone(const json::Value& entry) {
  const json::Object* const object = entry.as_object();
  if (object == nullptr || object->size() != 1 || object->begin()->key != "version") return false;
  const auto version = object->begin()->value.as_int();
  return version && *version > 0;
}

FileMeta meta_in(const json::Object& file) {
  auto meta = FileMeta::decode(json::ObjectView::of(file, "signed.meta"));
  COTTER_ASSERT(meta);  // decode() has looked at every entry
  return *std::move(meta);
}

}  // namespace

FileMeta MetaFiles::Entry::meta() const { return meta_in(*object); }

MetaFiles::Entry MetaFiles::Iterator::operator*() const {
  const json::Object* const object = at_->value.as_object();
  COTTER_ASSERT(object != nullptr);
  // Nearly all say that alone.
  const json::Value* const version = object->size() == 1 ? &object->begin()->value : object->find("version");
  COTTER_ASSERT(version != nullptr && version->as_int());
  return {role_of(file_name()), Version(static_cast<std::uint64_t>(*version->as_int())), object};
}

Result<MetaFiles> MetaFiles::decode(const json::ObjectView& view, Profile profile) {
  const std::string what = view.what();
  for (const json::Member& member : view.members()) {
    TRY(check_file_name(member.key, profile));
    if (says_version_alone(member.value)) continue;
    TRY(FileMeta::decode(TRY(json::ObjectView::of_member(member, what))));
  }
  MetaFiles meta;
  meta.files_ = view.members();
  return meta;
}

std::optional<FileMeta> MetaFiles::find(const RoleName& role) const {
  const json::Value* const file = files_.find(file_of(role));
  return file == nullptr ? std::nullopt : std::optional(meta_in(*file->as_object()));
}

void MetaFiles::set(const RoleName& role, const FileMeta& meta) { files_.set(file_of(role), meta.encode()); }

void MetaFiles::erase(const RoleName& role) { files_.erase(file_of(role)); }

Result<Snapshot> Snapshot::decode(const json::Value& signed_part, Profile profile) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  Snapshot snapshot;
  static_cast<Header&>(snapshot) = TRY(decode_header(view, profile, {"meta", "vin"}));
  snapshot.meta = TRY(MetaFiles::decode(TRY(view.object("meta")), profile));
  snapshot.vin = TRY(decode_vin(view, profile));
  return snapshot;
}

json::Value Snapshot::encode() const {
  Members members = encode_header(*this, kType);
  members.push_back({"meta", meta.encode()});
  encode_vin(vin, members);
  return json::Object(std::move(members));
}

}  // namespace cotter::model
