// Keys and who must sign, as people and programs are shown them.
// Never shows a key as a right: it is what metadata says. One thread.
#pragma once

#include <string>

#include "common/json/value.h"
#include "server/app/key_names.h"
#include "server/app/requirement.h"

namespace cotter::cli {

/// "2 of 3 keys of targets, or 1 of 2 keys of brakes"
std::string words(const app::Requirement& requirement);

/// {"keyid"} with "name" and "holder" where the workspace knows them.
json::Object key_json(const app::SigningKey& key, const app::KeyNames& names);
/// {"role", "threshold", "keys"}, or {"at_least", "of"}.
json::Object requirement_json(const app::Requirement& requirement, const app::KeyNames& names);

}  // namespace cotter::cli
