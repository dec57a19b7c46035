#include "server/inventory/abilities.h"

#include <algorithm>

#include "common/base/limits.h"
#include "common/model/roles.h"

namespace cotter::inventory {
namespace {

std::uint64_t client_takes(Repository repository, const RoleName& role) {
  const Limits limits = repository == Repository::Image ? Limits::for_image_repository() : Limits();
  if (role == model::root_role()) return limits.root_bytes;
  if (role == model::timestamp_role()) return limits.timestamp_bytes;
  return limits
      .listed_bytes;  // a publisher of ours lists the length of every other file, or caps it likewise
}

}  // namespace

const std::set<crypto::Scheme>& client_schemes() {
  static const std::set<crypto::Scheme> schemes{crypto::Scheme::Ed25519, crypto::Scheme::EcdsaP256,
                                                crypto::Scheme::RsaPssSha256};
  return schemes;
}

bool Abilities::verifies(crypto::Scheme scheme) const {
  return (schemes ? *schemes : client_schemes()).contains(scheme);
}

json::Object Abilities::encode() const {
  const auto bytes = [](const std::optional<std::uint64_t>& most) {
    return most ? json::Value(*most) : json::Value();
  };
  json::Value names;
  if (schemes) {
    json::Array array;
    for (const crypto::Scheme scheme : *schemes) array.emplace_back(crypto::name_of(scheme));
    names = std::move(array);
  }
  return {{"schemes", std::move(names)},
          {"max_metadata", bytes(max_metadata)},
          {"max_root", bytes(max_root)},
          {"max_targets", bytes(max_targets)}};
}

std::uint64_t Abilities::most_bytes(Repository repository, const RoleName& role) const {
  const bool is_targets = role == model::targets_role() || !model::is_top_level(role);
  const std::optional<std::uint64_t>& of_role = role == model::root_role() ? max_root : max_targets;
  const bool has_own = of_role && (is_targets || role == model::root_role());
  if (!has_own && !max_metadata) return client_takes(repository, role);
  return std::min(has_own ? *of_role : UINT64_MAX, max_metadata.value_or(UINT64_MAX));
}

Result<crypto::Scheme> scheme_named(std::string_view name) {
  std::string names;
  for (auto number = std::uint8_t{0}; number < static_cast<std::uint8_t>(crypto::Scheme::Unsupported);
       ++number) {
    const auto scheme = static_cast<crypto::Scheme>(number);
    if (crypto::name_of(scheme) == name) return scheme;
    names.append(names.empty() ? "" : ", ").append(crypto::name_of(scheme));
  }
  return fault(Fault::Kind::Usage, "no signature scheme \"" + std::string(name) + "\"", "there are " + names);
}

}  // namespace cotter::inventory
