#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {

Result<FileMeta> FileMeta::decode(const json::ObjectView& view) {
  FileMeta meta;
  meta.version = TRY(decode_version(view));
  if (view.find("length") != nullptr) meta.length = TRY(view.integer("length"));
  if (const json::Value* hashes = view.find("hashes")) meta.hashes = TRY(crypto::Hashes::decode(*hashes));
  meta.unknown = other_members(view, {"version", "length", "hashes"});
  return meta;
}

json::Value FileMeta::encode() const {
  Members members = members_of(unknown);
  members.push_back({"version", json::Value(version.value())});
  if (length) members.push_back({"length", json::Value(*length)});
  if (hashes) members.push_back({"hashes", hashes->encode()});
  return json::Object(std::move(members));
}

}  // namespace cotter::model
