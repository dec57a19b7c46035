// One key, as the key verbs show it. Never a private half. Pure.
#pragma once

#include "common/json/value.h"
#include "common/keystore/key_record.h"

namespace cotter::cli {

inline json::Object as_json(const keystore::KeyInfo& key) {
  return json::Object{{"name", key.name},
                      {"role", key.role},
                      {"scheme", crypto::name_of(key.key.scheme())},
                      {"keyid", key.id.value()},
                      {"created", format_utc(key.created)},
                      {"store", key.store},
                      {"file", key.file.string()}};
}

/// With the public half.
inline json::Object whole_json(const keystore::KeyInfo& key) {
  json::Object object = as_json(key);
  object.set("key", key.key.encode());
  return object;
}

}  // namespace cotter::cli
