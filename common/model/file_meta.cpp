#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {

Result<FileMeta> FileMeta::decode(const json::ObjectView& view) {
  FileMeta meta;
  meta.version = TRY(decode_version(view));
  // A snapshot has thousands of these: nothing is looked for where nothing can be.
  if (view.members().size() == 1) return meta;
  if (view.find("length") != nullptr) meta.length = TRY(view.integer("length"));
  if (const json::Value* hashes = view.find("hashes")) meta.hashes = TRY(crypto::Hashes::decode(*hashes));
  meta.unknown = other_members(view, {"version", "length", "hashes"});
  return meta;
}

json::Value FileMeta::encode() const {
  json::Object members = unknown;
  members.set("version", version.value());
  if (length) members.set("length", *length);
  if (hashes) members.set("hashes", hashes->encode());
  return members;
}

}  // namespace cotter::model
