#include "server/app/who_can_sign.h"

#include <utility>

#include "server/app/director_roots.h"
#include "server/repository/reader.h"

namespace cotter::app {

TopLevelKeys TopLevelKeys::of(const model::Root& root) {
  const auto keys = [&](const RoleName& role) {
    return Requirement::keys_of(role, root.roles.at(role), root.keys);
  };
  return {keys(model::root_role()), keys(model::targets_role()), keys(model::snapshot_role()),
          keys(model::timestamp_role())};
}

namespace {

/// Of all kinds that matter: each search may come to delegations that name others.
Result<std::vector<HardwareSearch>> search_for_all(const trust::TrustedSet& image,
                                                   trust::Transport& transport, const TargetName& target) {
  const HardwareId no_other;  // the id of no ECU: what no delegation names
  std::vector<HardwareSearch> searches;
  SigningPaths others = TRY(signing_paths(image, transport, target, no_other));
  searches.push_back({std::nullopt, std::move(others)});
  std::set<HardwareId> done;
  for (std::size_t at = 0; at < searches.size(); ++at) {
    const std::set<HardwareId> named = searches[at].paths.hardware_named;
    for (const HardwareId& hardware : named) {
      if (!done.insert(hardware).second) continue;
      SigningPaths paths = TRY(signing_paths(image, transport, target, hardware));
      searches.push_back({hardware, std::move(paths)});
    }
  }
  return searches;
}

}  // namespace

Result<WhoCanSign> who_can_sign(trust::Transport& transport,
                                const std::optional<std::filesystem::path>& director_dir,
                                const TargetName& target, const std::optional<HardwareId>& hardware,
                                std::size_t most_sets) {
  const trust::TrustedSet image = TRY(repository::read_as_client(transport, repository::kBeforeAnyExpiry));
  WhoCanSign answer;
  if (hardware) {
    SigningPaths paths = TRY(signing_paths(image, transport, target, hardware));
    answer.searches.push_back({hardware, std::move(paths)});
  } else {
    answer.searches = TRY(search_for_all(image, transport, target));
  }
  std::vector<Requirement> any;
  for (const HardwareSearch& search : answer.searches) any.push_back(search.paths.requirement);
  answer.requirement = Requirement::any_of(std::move(any));
  answer.sets = smallest_sets(answer.requirement, most_sets);
  answer.image = TopLevelKeys::of(*image.root());
  if (director_dir) answer.director = TopLevelKeys::of(*TRY(DirectorRoots::read(*director_dir)).newest());
  return answer;
}

}  // namespace cotter::app
