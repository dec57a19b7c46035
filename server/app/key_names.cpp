#include "server/app/key_names.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "server/app/list_keys.h"

namespace cotter::app {
namespace {

constexpr std::size_t kShownIdLength = 16;  // of 64: enough to tell keys apart
constexpr std::size_t kShortestPrefix = 8;

}  // namespace

Result<KeyNames> KeyNames::of(const Workspace& workspace) {
  KeyNames names;
  for (const keystore::KeyInfo& key : TRY(list_keys(workspace))) {
    const std::filesystem::path folder = key.file.parent_path();
    std::error_code ignored;
    const bool is_ours = std::filesystem::equivalent(folder, workspace.keys_dir(), ignored);
    names.add({key.key.material(), key.id}, {key.name, is_ours ? "" : folder.filename().string()});
  }
  return names;
}

void KeyNames::add(const SigningKey& key, KeyName name) {
  by_material_.insert_or_assign(key.material, Entry{key, std::move(name)});
}

std::optional<KeyName> KeyNames::of(const SigningKey& key) const {
  const auto found = by_material_.find(key.material);
  return found == by_material_.end() ? std::nullopt : std::optional(found->second.name);
}

std::string KeyNames::label(const SigningKey& key) const {
  const auto name = of(key);
  if (!name) return key.id.value().substr(0, kShownIdLength);
  return name->holder.empty() ? name->name : name->name + " (" + name->holder + ")";
}

std::vector<SigningKey> KeyNames::named(std::string_view name) const {
  std::vector<SigningKey> keys;
  for (const auto& [material, entry] : by_material_) {
    if (entry.name.name == name) keys.push_back(entry.key);
  }
  return keys;
}

std::vector<SigningKey> KeyNames::all() const {
  std::vector<SigningKey> keys;
  for (const auto& [material, entry] : by_material_) keys.push_back(entry.key);
  return keys;
}

Result<SigningKey> find_signing_key(const std::vector<SigningKey>& known, const KeyNames& names,
                                    std::string_view text) {
  std::vector<SigningKey> meant = names.named(text);
  if (meant.empty() && text.size() >= kShortestPrefix) {
    for (const SigningKey& key : known) {
      const bool is_listed = std::any_of(meant.begin(), meant.end(), [&](const SigningKey& other) {
        return other.material == key.material;
      });
      if (key.id.value().starts_with(text) && !is_listed) meant.push_back(key);
    }
  }
  if (meant.size() == 1) return meant.front();
  if (!meant.empty()) {
    return fault(Fault::Kind::Usage, "\"" + std::string(text) + "\" means several keys",
                 "give more digits of the key id: cotter key list --json shows all of them");
  }
  if (text.size() < kShortestPrefix) {
    return fault(Fault::Kind::NotFound, "no key named \"" + std::string(text) + "\"",
                 "of a key id give at least " + std::to_string(kShortestPrefix) + " digits");
  }
  return fault(Fault::Kind::NotFound,
               "no key \"" + std::string(text) + "\" in the metadata of this workspace or within its reach",
               "cotter key list shows names and key ids");
}

}  // namespace cotter::app
