#include "server/app/file_life.h"

#include "common/model/roles.h"

namespace cotter::app {

std::chrono::seconds lifetime_of(const Settings& settings, Repository repository, const RoleName& role) {
  const Lifetimes& lifetimes = repository == Repository::Image ? settings.image : settings.director;
  if (role == model::root_role()) return lifetimes.root;
  if (role == model::snapshot_role()) return lifetimes.snapshot;
  return role == model::timestamp_role() ? lifetimes.timestamp : lifetimes.targets;
}

UtcTime life_begins(const FileTimes& known, const Settings& settings, Repository repository,
                    const RoleName& role, Version version, UtcTime expires) {
  const auto begun = known.find({repository, role, version});
  return begun == known.end() ? expires - lifetime_of(settings, repository, role) : begun->second;
}

}  // namespace cotter::app
