#include "server/app/delegating_files.h"

namespace cotter::app {

void DelegatingFiles::note(const PublishedFile& file, const std::optional<model::Delegations>& delegations) {
  newest_.insert_or_assign(file.role, Newest{{file.step, file.role, file.version}, delegations});
}

std::vector<DelegatingFile> DelegatingFiles::to(const RoleName& role) const {
  std::map<RoleName, RoleName> from;
  std::vector<RoleName> reached{model::targets_role()};
  for (std::size_t at = 0; at < reached.size() && !from.contains(role); ++at) {
    const RoleName delegator = reached[at];
    const auto file = newest_.find(delegator);
    if (file == newest_.end() || !file->second.delegations) continue;
    if (file->second.delegations->keys_of(role) != nullptr) from.try_emplace(role, delegator);
    for (const model::DelegatedRole& entry : file->second.delegations->roles) {
      if (from.try_emplace(entry.name, delegator).second) reached.push_back(entry.name);
    }
  }
  std::vector<DelegatingFile> way;
  // Longer than all there are it would go in a circle.
  for (auto step = from.find(role); step != from.end() && way.size() < from.size();
       step = from.find(step->second))
    way.insert(way.begin(), newest_.at(step->second).file);
  return way;
}

}  // namespace cotter::app
