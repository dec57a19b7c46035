#include "common/model/time_source.h"

#include <set>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/model/header.h"

namespace cotter::model {

const RoleName& time_source_role() {
  static const RoleName name("x-time-source");
  return name;
}

std::optional<TimeSource> TimeSource::of(const Root& root) {
  const auto listed = root.roles.find(time_source_role());
  if (listed == root.roles.end()) return std::nullopt;
  TimeSource source;
  source.role = listed->second;
  for (const KeyId& id : source.role.keyids) {
    if (const auto key = root.keys.find(id); key != root.keys.end()) source.keys.insert(*key);
  }
  return source;
}

Result<std::optional<TimeSource>> TimeSource::of(const Targets& targets) {
  const json::Value* member = targets.unknown.find(time_source_role().value());
  if (member == nullptr) return std::optional<TimeSource>();
  return std::optional<TimeSource>(TRY(decode(*member)));
}

Result<TimeSource> TimeSource::decode(const json::Value& value) {
  const json::ObjectView view = TRY(json::ObjectView::of(value, time_source_role().value()));
  const json::ObjectView keys = TRY(view.object("keys"));
  TimeSource source;
  source.keys = TRY(decode_keys(keys, Profile::Vehicle));
  source.role = TRY(decode_role_keys(view, source.keys, Profile::Vehicle));
  return source;
}

json::Value TimeSource::encode() const {
  Members members;
  members.push_back({"keys", encode_keys(keys)});
  encode_role_keys(role, members);
  return json::Object(std::move(members));
}

std::string TimeSource::digest() const {
  std::set<std::string> materials;
  for (const KeyId& id : role.keyids) {
    if (const auto key = keys.find(id); key != keys.end())
      materials.insert(to_hex(as_bytes(key->second.material())));
  }
  json::Array list{json::Value(std::uint64_t{role.threshold})};
  for (const std::string& material : materials) list.emplace_back(material);
  return to_hex(crypto::sha256(json::canonical(json::Value(std::move(list)))));
}

}  // namespace cotter::model
