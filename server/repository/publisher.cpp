#include "server/repository/publisher.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/model/file_names.h"

namespace cotter::repository {
namespace {

tl::unexpected<Error> usage(std::string detail, std::string hint) {
  return fault(Fault::Kind::Usage, std::move(detail), std::move(hint));
}

/// FMT-55: sorted, each once.
std::vector<HardwareId> sorted(std::vector<HardwareId> ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Error too_low(const Release& release, const Reached& reached) {
  return Fault{
      Fault::Kind::Denied,
      "release counter " + std::to_string(release.counter->value()) + " of " + release.name.value() +
          " is lower than " + std::to_string(reached.counter.value()) + ", which " + reached.by +
          " has for hardware id " + reached.hardware.value(),
      "vehicles would refuse it as a rollback: to bring an older build back, publish it anew with a counter "
      "that is not lower, or leave the counter to us"};
}

/// IMG-9: monotone for each hardware id; equal is allowed, for one release may be many images.
Result<ReleaseCounter> counter_for(const model::Targets& listed, const Release& release,
                                   const std::optional<Reached>& elsewhere) {
  std::optional<Reached> reached = TRY(highest_counter(listed, release.hardware_ids));
  if (elsewhere && (!reached || reached->counter < elsewhere->counter)) reached = elsewhere;
  if (!release.counter) return ReleaseCounter(reached ? reached->counter.value() + 1 : 1);
  if (reached && *release.counter < reached->counter) return fail(too_low(release, *reached));
  return *release.counter;
}

json::Object custom_of(const Release& release, ReleaseCounter counter) {
  return {{"mustMatch", model::MustMatch::of(sorted(release.hardware_ids), counter).all},
          {"version", release.version}};
}

bool is_same(const model::Target& a, const model::Target& b) {
  return a.length == b.length && a.hashes == b.hashes && a.custom == b.custom;
}

/// The counter under which this very release is listed already.
Result<std::optional<ReleaseCounter>> listed_counter(const model::Target& target, const Release& release) {
  const auto facts = TRY(target.must_match(model::Profile::Vehicle));
  if (!facts || (release.counter && *release.counter != facts->release_counter)) {
    return std::optional<ReleaseCounter>();
  }
  return is_same(target, target_of(release, facts->release_counter))
             ? std::optional<ReleaseCounter>(facts->release_counter)
             : std::nullopt;
}

}  // namespace

Result<void> check_release(const Release& release) {
  if (!model::is_safe_target_name(release.name.value())) {
    return usage(
        "'" + release.name.value() + "' will not do as an image's name",
        "use TEAM/ECU/FILE.ext: letters, digits and ._+- between slashes, no '.' or '..' alone, at most " +
            std::to_string(kMaxTargetName) + " bytes");
  }
  if (release.hardware_ids.empty()) {
    return usage("no hardware id is given", "say which ECUs the image is for: --hardware-id ID");
  }
  for (const HardwareId& id : release.hardware_ids) {
    if (!model::is_identifier(id.value())) {
      return usage("'" + id.value() + "' will not do as a hardware id",
                   "1 to 128 printable ASCII characters without blanks, quotes and slashes");
    }
  }
  const std::string& version = release.version;
  if (version.empty() || version.size() > kMaxIdentifier ||
      !std::all_of(version.begin(), version.end(), [](char c) { return c >= ' ' && c <= '~'; })) {
    return usage("'" + version + "' will not do as a version", "1 to 128 printable ASCII characters");
  }
  return {};
}

Result<std::optional<Reached>> highest_counter(const model::Targets& listed,
                                               const std::vector<HardwareId>& hardware_ids) {
  std::optional<Reached> highest;
  for (const auto& [name, target] : listed.targets) {
    const auto facts = TRY(target.must_match(model::Profile::Vehicle));
    if (!facts || (highest && facts->release_counter <= highest->counter)) continue;
    for (const HardwareId& id : facts->hardware_ids) {
      if (std::find(hardware_ids.begin(), hardware_ids.end(), id) == hardware_ids.end()) continue;
      highest = Reached{facts->release_counter, id, name.value()};
      break;
    }
  }
  return highest;
}

model::Target target_of(const Release& release, ReleaseCounter counter) {
  return {release.length, release.hashes, custom_of(release, counter), {}};
}

Result<Judgement> judge_release(const model::Targets& listed, const Release& release,
                                const std::optional<Reached>& elsewhere) {
  const auto there = listed.targets.find(release.name);
  if (there != listed.targets.end()) {
    if (const auto counter = TRY(listed_counter(there->second, release))) return Judgement{*counter};
  }
  return Judgement{TRY(counter_for(listed, release, elsewhere)), true, there != listed.targets.end()};
}

Result<Change> with_release(const model::Targets& listed, const Release& release,
                            const std::optional<Reached>& elsewhere) {
  const Judgement judged = TRY(judge_release(listed, release, elsewhere));
  Change change{listed, judged.counter, judged.changed, judged.replaced};
  if (judged.changed)
    change.targets.targets.insert_or_assign(release.name, target_of(release, judged.counter));
  return change;
}

model::FileMeta meta_of(Version version, ByteView wire) {
  model::FileMeta meta;
  meta.version = version;
  meta.length = wire.size();
  meta.hashes.emplace().set(crypto::HashFunction::Sha256, crypto::sha256(wire));
  return meta;
}

model::Snapshot next_snapshot(const model::Snapshot& last, Version version, UtcTime expires,
                              const std::map<RoleName, model::FileMeta>& listed,
                              const std::set<RoleName>& dropped) {
  model::Snapshot next = last;
  next.version = version;
  next.expires = expires;
  for (const RoleName& role : dropped) next.meta.erase(role);
  for (const auto& [role, meta] : listed) next.meta.set(role, meta);
  return next;
}

model::Timestamp next_timestamp(const model::Timestamp& last, Version version, UtcTime expires,
                                const model::FileMeta& snapshot) {
  model::Timestamp next = last;
  next.version = version;
  next.expires = expires;
  next.snapshot = snapshot;
  return next;
}

}  // namespace cotter::repository
