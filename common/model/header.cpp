#include "common/model/header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <set>

#include "common/model/file_names.h"

namespace cotter::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes a run of digits from the front of `text`; false when there is none.
bool take_number(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto length = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(length);
  return length > 0;
}

/// Takes all of it or nothing.
bool take_dot_and_number(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  std::string_view rest = text.substr(1);
  if (!take_number(rest)) return false;
  text = rest;
  return true;
}

/// FMT-5. Vehicles: "1.x.y". Elsewhere also "1.x", and the suffixes that semantic versions may carry.
bool is_supported_spec(std::string_view version, Profile profile) {
  if (!version.starts_with("1.")) return false;
  version.remove_prefix(1);
  if (!take_dot_and_number(version)) return false;
  const bool has_patch = take_dot_and_number(version);
  if (profile == Profile::Vehicle) return has_patch && version.empty();
  return version.empty() || version.front() == '-' || version.front() == '+';
}

bool has_repetition(const json::Array& ids) {
  std::vector<std::string_view> sorted;
  sorted.reserve(ids.size());
  for (const json::Value& id : ids) {
    if (const json::String* text = id.as_string()) sorted.push_back(text->view());
  }
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

/// How many different keys stand behind these ids, however often each is listed (FMT-22).
std::size_t distinct_keys(const std::vector<KeyId>& ids, const KeyRing& keys) {
  std::set<std::string_view> materials;
  for (const KeyId& id : ids) {
    const auto found = keys.find(id);
    if (found != keys.end()) materials.insert(found->second.material());
  }
  return materials.size();
}

constexpr std::string_view kClasses = "x-classes";
constexpr std::string_view kStage = "stage";
constexpr std::array kKeyClasses = {crypto::KeyClass::Classical, crypto::KeyClass::PostQuantum};

/// Whether this build can verify them or not.
std::size_t distinct_keys_of(crypto::KeyClass key_class, const std::vector<KeyId>& ids, const KeyRing& keys) {
  std::vector<KeyId> of_class;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(of_class), [&](const KeyId& id) {
    const auto found = keys.find(id);
    return found != keys.end() && crypto::class_of(found->second.listed_scheme()) == key_class;
  });
  return distinct_keys(of_class, keys);
}

Result<ClassThresholds> decode_classes(const json::ObjectView& role, const std::vector<KeyId>& ids,
                                       const KeyRing& keys, Profile profile) {
  const json::ObjectView view = TRY(role.object(kClasses));
  ClassThresholds classes;
  const std::string stage = TRY(view.string(kStage));
  const auto named = stage_named(stage);
  // A later stage may ask for more than `require`: whoever does not know it must not take it for less.
  if (!named)
    TRY(refuse(RuleId::MemberWrongKind, view.what() + ".stage accept, prefer or require", shown(stage)));
  classes.stage = named.value_or(ClassThresholds::Stage::Require);
  for (const crypto::KeyClass key_class : kKeyClasses) {
    const std::string_view name = crypto::name_of(key_class);
    if (view.find(name) == nullptr) continue;
    const std::uint64_t least = TRY(view.integer(name));
    const std::string what = view.what() + "." + std::string(name);
    if (least == 0) TRY(refuse(RuleId::ThresholdZero, what + " of 1 or more", "0"));
    const std::size_t reachable = distinct_keys_of(key_class, ids, keys);
    if (profile == Profile::Vehicle && least > reachable) {
      TRY(refuse(RuleId::ThresholdAboveKeys,
                 what + " of at most " + std::to_string(reachable) + ", its distinct keys",
                 std::to_string(least)));
    }
    classes.least[key_class] = static_cast<std::uint32_t>(std::min<std::uint64_t>(least, UINT32_MAX));
  }
  classes.unknown = other_members(view, {kStage, crypto::name_of(crypto::KeyClass::Classical),
                                         crypto::name_of(crypto::KeyClass::PostQuantum)});
  return classes;
}

json::Value encode_classes(const ClassThresholds& classes) {
  Members members = members_of(classes.unknown);
  members.push_back({kStage, json::Value(name_of(classes.stage))});
  for (const auto& [key_class, least] : classes.least)
    members.push_back({crypto::name_of(key_class), json::Value(std::uint64_t{least})});
  return json::Object(std::move(members));
}

}  // namespace

std::string_view name_of(ClassThresholds::Stage stage) noexcept {
  switch (stage) {
    case ClassThresholds::Stage::Accept:
      return "accept";
    case ClassThresholds::Stage::Prefer:
      return "prefer";
    case ClassThresholds::Stage::Require:
      break;
  }
  return "require";
}

std::optional<ClassThresholds::Stage> stage_named(std::string_view name) noexcept {
  using Stage = ClassThresholds::Stage;
  for (const Stage stage : {Stage::Accept, Stage::Prefer, Stage::Require}) {
    if (name_of(stage) == name) return stage;
  }
  return std::nullopt;
}

std::optional<std::string> ClassThresholds::lacking(
    const std::vector<std::optional<crypto::KeyClass>>& signers) const {
  for (const auto& [key_class, wanted] : least) {
    const auto have = std::count(signers.begin(), signers.end(), std::optional(key_class));
    if (static_cast<std::uint64_t>(have) >= wanted) continue;
    return std::to_string(wanted) + (wanted == 1 ? " key" : " keys") + " of class " +
           std::string(crypto::name_of(key_class)) + ", signed by " + std::to_string(have);
  }
  return std::nullopt;
}

std::optional<ClassThresholds> RoleKeys::required_classes() const {
  return classes && classes->stage == ClassThresholds::Stage::Require ? classes : std::nullopt;
}

Result<json::ObjectView> open_typed(const json::Value& signed_part, std::string_view type) {
  json::ObjectView view = TRY(json::ObjectView::of(signed_part, "signed"));
  const std::string got = TRY(view.string("_type"));
  if (got != type) TRY(refuse(RuleId::RoleTypeWrong, std::string(type), shown(got)));
  return view;
}

Result<Version> decode_version(const json::ObjectView& view) {
  const std::uint64_t version = TRY(view.integer("version"));
  if (version == 0) TRY(refuse(RuleId::VersionZero, view.what() + ".version of 1 or more", "0"));
  return Version(version);
}

Result<Header> decode_header(const json::ObjectView& view, Profile profile, Names body) {
  Header header;
  header.spec_version = TRY(view.string("spec_version"));
  if (!is_supported_spec(header.spec_version, profile)) {
    TRY(refuse(RuleId::SpecVersionUnsupported, profile == Profile::Vehicle ? "1.x.y" : "1.x or 1.x.y",
               shown(header.spec_version)));
  }
  header.version = TRY(decode_version(view));
  header.expires = TRY(view.time("expires"));
  header.unknown = other_members(view, {"_type", "spec_version", "version", "expires"}, body);
  return header;
}

Members encode_header(const Header& header, std::string_view type) {
  Members members = members_of(header.unknown);
  members.push_back({"_type", json::Value(type)});
  members.push_back({"spec_version", json::Value(header.spec_version)});
  members.push_back({"version", json::Value(header.version.value())});
  members.push_back({"expires", json::Value(format_utc(header.expires))});
  return members;
}

Result<KeyRing> decode_keys(const json::ObjectView& keys, Profile profile) {
  KeyRing ring;
  for (const json::Member& member : keys.members()) {
    crypto::PublicKey key = TRY(crypto::PublicKey::decode(member.value, profile));
    ring.emplace_hint(ring.end(), KeyId(member.key), std::move(key));
  }
  return ring;
}

json::Value encode_keys(const KeyRing& keys) {
  Members members;
  members.reserve(keys.size());
  for (const auto& [id, key] : keys) members.push_back({id.value(), key.encode()});
  return json::Object(std::move(members));
}

Result<RoleKeys> decode_role_keys(const json::ObjectView& view, const KeyRing& keys, Profile profile) {
  RoleKeys role;
  const json::Array* ids = TRY(view.array("keyids"));
  // Before they are copied: a hostile list of one id, over and over, is as short as a list can be.
  if (has_repetition(*ids)) {
    TRY(refuse(RuleId::MemberWrongKind, view.what() + ".keyids: each id once", "a repeated id"));
  }
  role.keyids.reserve(ids->size());
  for (const json::Value& id : *ids) role.keyids.emplace_back(TRY(json::string_of(id, "keyids")));
  for (const KeyId& id : role.keyids) {
    if (profile == Profile::Tuf || keys.contains(id)) continue;
    TRY(refuse(RuleId::MemberMissing, "keys holds every id of " + view.what(),
               "no key " + shown(id.value())));
  }
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const std::uint64_t threshold = TRY(view.integer("threshold"));
  if (threshold == 0) TRY(refuse(RuleId::ThresholdZero, view.what() + ".threshold of 1 or more", "0"));
  // Outside vehicles a threshold out of reach is met by nobody, and so needs no refusing here.
  const std::uint64_t reachable = profile == Profile::Vehicle ? distinct_keys(role.keyids, keys) : kMost;
  if (threshold > reachable) {
    TRY(refuse(RuleId::ThresholdAboveKeys,
               view.what() + ".threshold of at most " + std::to_string(reachable) + ", its distinct keys",
               std::to_string(threshold)));
  }
  role.threshold = static_cast<std::uint32_t>(std::min(threshold, kMost));
  if (view.find(kClasses) != nullptr) role.classes = TRY(decode_classes(view, role.keyids, keys, profile));
  return role;
}

void encode_role_keys(const RoleKeys& keys, Members& into) {
  json::Array ids;
  ids.reserve(keys.keyids.size());
  for (const KeyId& id : keys.keyids) ids.emplace_back(id.value());
  into.push_back({"keyids", json::Value(std::move(ids))});
  into.push_back({"threshold", json::Value(std::uint64_t{keys.threshold})});
  if (keys.classes) into.push_back({std::string(kClasses), encode_classes(*keys.classes)});
}

Result<std::optional<VehicleId>> decode_vin(const json::ObjectView& view, Profile profile) {
  if (view.find("vin") == nullptr) return std::optional<VehicleId>();
  std::string vin = TRY(view.string("vin"));
  if (profile == Profile::Vehicle) TRY(check_identifier(vin, view.what() + ".vin"));
  return std::optional<VehicleId>(VehicleId(std::move(vin)));
}

void encode_vin(const std::optional<VehicleId>& vin, Members& into) {
  if (vin) into.push_back({"vin", json::Value(vin->value())});
}

Result<std::string> decode_identifier(const json::ObjectView& view, std::string_view key) {
  std::string text = TRY(view.string(key));
  TRY(check_identifier(text, view.what() + "." + std::string(key)));
  return text;
}

Result<void> check_identifier(std::string_view text, std::string_view what) {
  if (is_identifier(text)) return {};
  return refuse(RuleId::MemberWrongKind, std::string(what) + " as 1 to 128 letters, digits or signs of ASCII",
                shown(text));
}

Result<std::vector<HardwareId>> decode_hardware_ids(const json::ObjectView& view, std::string_view key) {
  const json::Array* array = TRY(view.array(key));
  std::vector<HardwareId> ids;
  ids.reserve(array->size());
  for (const json::Value& value : *array) {
    std::string text = TRY(json::string_of(value, key));
    TRY(check_identifier(text, key));
    ids.emplace_back(std::move(text));
  }
  return ids;
}

json::Value encode_hardware_ids(const std::vector<HardwareId>& ids) {
  json::Array array;
  array.reserve(ids.size());
  for (const HardwareId& id : ids) array.emplace_back(id.value());
  return array;
}

Result<std::vector<std::string>> decode_strings(const json::ObjectView& view, std::string_view key) {
  const json::Array* array = TRY(view.array(key));
  std::vector<std::string> strings;
  strings.reserve(array->size());
  for (const json::Value& value : *array) strings.push_back(TRY(json::string_of(value, key)));
  return strings;
}

json::Value encode_strings(const std::vector<std::string>& strings) {
  return json::Array(strings.begin(), strings.end());
}

json::Object other_members(const json::ObjectView& view, Names known, Names also_known) {
  const auto lists = [](Names names, std::string_view key) {
    return std::find(names.begin(), names.end(), key) != names.end();
  };
  Members members;
  for (const json::Member& member : view.members()) {
    if (!lists(known, member.key) && !lists(also_known, member.key)) members.push_back(member);
  }
  return json::Object(std::move(members));
}

const json::Value* find_given(const json::ObjectView& view, std::string_view key, Profile profile) {
  const json::Value* value = view.find(key);
  return value != nullptr && profile == Profile::Tuf && value->is_null() ? nullptr : value;
}

Members members_of(const json::Object& object) { return Members(object.begin(), object.end()); }

const RoleName& root_role() {
  static const RoleName name("root");
  return name;
}
const RoleName& timestamp_role() {
  static const RoleName name("timestamp");
  return name;
}
const RoleName& snapshot_role() {
  static const RoleName name("snapshot");
  return name;
}
const RoleName& targets_role() {
  static const RoleName name("targets");
  return name;
}

bool is_top_level(std::string_view name) noexcept {
  return name == "root" || name == "timestamp" || name == "snapshot" || name == "targets";
}

}  // namespace cotter::model
