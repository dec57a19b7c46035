#include "server/app/keys_together.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/model/roles.h"

namespace cotter::app {
namespace {

bool is_release_role(std::string_view role) {
  return role != model::root_role().value() && role != model::targets_role().value() &&
         role != model::snapshot_role().value() && role != model::timestamp_role().value();
}

}  // namespace

std::vector<std::string> keys_together(const std::vector<keystore::KeyInfo>& keys) {
  const auto director = std::ranges::find(keys, "director/targets", &keystore::KeyInfo::role);
  if (director == keys.end()) return {};
  std::vector<std::string> sentences;
  constexpr std::string_view kImage = "image/";
  for (const keystore::KeyInfo& key : keys) {
    if (!key.role.starts_with(kImage)) continue;
    const std::string_view role = std::string_view(key.role).substr(kImage.size());
    if (!is_release_role(role)) continue;
    sentences.push_back(fmt::format(
        "the key of release role {} ({}) lies beside the director's ({}): who gets at both decides "
        "what that role's ECUs run; let it sign on another machine (cotterd --role sign there, "
        "--release-signer here)",
        role, key.name, director->name));
  }
  return sentences;
}

}  // namespace cotter::app
