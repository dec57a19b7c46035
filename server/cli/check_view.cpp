#include "server/cli/check_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/host/output.h"
#include "server/cli/requirement_view.h"

namespace cotter::cli {
namespace {

using app::DirectorHealth;
using app::RepositoryHealth;
using app::RoleHealth;
using app::RoleWithout;

std::string_view name_of(RoleHealth::Life life) {
  switch (life) {
    case RoleHealth::Life::Fresh:
      return "good";
    case RoleHealth::Life::EndsSoon:
      return "expires soon";
    case RoleHealth::Life::Expired:
      break;
  }
  return "expired";
}

json::Array as_json(const std::vector<std::string>& lines) { return json::Array(lines.begin(), lines.end()); }

json::Object as_json(const std::string& place, const RepositoryHealth& health) {
  json::Array roles;
  for (const RoleHealth& role : health.roles) {
    roles.emplace_back(json::Object{{"role", role.role.value()},
                                    {"version", role.version.value()},
                                    {"expires", format_utc(role.expires)},
                                    {"state", name_of(role.life)},
                                    {"signatures", std::uint64_t{role.signatures}},
                                    {"threshold", std::uint64_t{role.threshold}},
                                    {"keys", std::uint64_t{role.keys}}});
  }
  return {{"repository", place},
          {"healthy", health.healthy()},
          {"roles", std::move(roles)},
          {"images", std::uint64_t{health.images}},
          {"image_bytes", health.image_bytes},
          {"problems", as_json(health.problems)},
          {"warnings", as_json(health.warnings)}};
}

void show_repository(const std::string& place, const RepositoryHealth& health) {
  fmt::print("{}\n\n", place);
  host::Table table({"ROLE", "VERSION", "EXPIRES", "SIGNATURES", "STATE"});
  for (const RoleHealth& role : health.roles) {
    table.add_row({role.role.value(), std::to_string(role.version.value()), format_utc(role.expires),
                   fmt::format("{} valid, {} of {} needed", role.signatures, role.threshold, role.keys),
                   std::string(name_of(role.life))});
  }
  if (!table.empty()) table.print();
  fmt::print("\nimages    {} listed, {} read\n", health.images, host::human_bytes(health.image_bytes));
  for (const std::string& warning : health.warnings) fmt::print("warning   {}\n", warning);
  for (const std::string& problem : health.problems) fmt::print("problem   {}\n", problem);
}

json::Object as_json(const DirectorHealth& health) {
  json::Array refusals;
  for (const app::SetRefusal& refusal : health.refusals) {
    refusals.emplace_back(json::Object{{"rule", refusal.rule},
                                       {"role", refusal.role},
                                       {"vehicles", refusal.vehicles},
                                       {"example", refusal.example.value()},
                                       {"story", refusal.story}});
  }
  return {{"healthy", health.healthy()},
          {"root_version", health.root_version.value()},
          {"root_expires", format_utc(health.root_expires)},
          {"vehicles", health.vehicles},
          {"without_set", health.without_set},
          {"accept", health.accepted},
          {"refusals", std::move(refusals)},
          {"problem", health.problem.empty() ? json::Value() : json::Value(health.problem)}};
}

void show_director(const DirectorHealth& health) {
  fmt::print("\ndirector  root {}, until {}\n", health.root_version.value(), format_utc(health.root_expires));
  fmt::print("sets      {} of {} {} would take theirs, {} have not asked for any yet\n", health.accepted,
             health.vehicles, health.vehicles == 1 ? "vehicle" : "vehicles", health.without_set);
  for (const app::SetRefusal& refusal : health.refusals) {
    fmt::print("problem   {} {} would refuse: {}\n          {}: {}\n", refusal.vehicles,
               refusal.vehicles == 1 ? "vehicle" : "vehicles", refusal.rule, refusal.example.value(),
               refusal.story);
  }
  if (!health.problem.empty()) fmt::print("problem   {}\n", health.problem);
}

/// Until when nobody notices: nothing where it is sound, or hurts at once.
std::optional<UtcTime> hurts_from(const RoleWithout& role) {
  return role.is_renewable() ? std::nullopt : role.expires;
}

json::Object as_json(const RoleWithout& role) {
  const auto hurts = hurts_from(role);
  return {{"repository", name_of(role.repository)},
          {"role", role.role.value()},
          {"delegator", role.delegator.value()},
          {"threshold", std::uint64_t{role.threshold}},
          {"keys", std::uint64_t{role.keys}},
          {"keys_left", std::uint64_t{role.keys_left}},
          {"holds", role.holds ? json::Value(*role.holds) : json::Value()},
          {"why", role.why.empty() ? json::Value() : json::Value(role.why)},
          {"vehicles", role.vehicles},
          {"renewable", role.is_renewable()},
          {"expires", role.expires ? json::Value(format_utc(*role.expires)) : json::Value()},
          {"unrenewable_from", hurts ? json::Value(format_utc(*hurts)) : json::Value()}};
}

json::Object as_json(const WithoutView& without) {
  json::Array keys, roles;
  for (const app::SigningKey& key : without.keys) keys.emplace_back(key_json(key, without.names));
  for (const RoleWithout& role : without.roles) roles.emplace_back(as_json(role));
  return {{"keys", std::move(keys)}, {"sound", without.is_sound()}, {"roles", std::move(roles)}};
}

std::string word(const std::optional<bool>& holds) {
  if (!holds) return "-";
  return *holds ? "holds" : "refused";
}

void show_without(const WithoutView& without) {
  std::string names;
  for (const app::SigningKey& key : without.keys)
    names += (names.empty() ? "" : ", ") + without.names.label(key);
  fmt::print("\nwithout {}\n\n", names);
  host::Table table({"ROLE", "KEYS LEFT", "ITS FILE NOW", "THE NEXT"});
  for (const RoleWithout& role : without.roles) {
    std::string next = "can be signed";
    if (!role.is_renewable()) {
      next = role.expires ? "cannot; hurts from " + format_utc(*role.expires) : "cannot";
    }
    table.add_row({fmt::format("{}/{}", name_of(role.repository), role.role.value()),
                   fmt::format("{} of {}, {} needed", role.keys_left, role.keys, role.threshold),
                   word(role.holds), next});
  }
  table.print();
  fmt::print("\n");
  for (const RoleWithout& role : without.roles) {
    if (!role.why.empty()) fmt::print("problem   {}\n", role.why);
    if (role.is_renewable()) continue;
    fmt::print(
        "problem   {}/{} cannot be signed again: {} of its {} keys are left, {} must sign; {} must list "
        "others\n",
        name_of(role.repository), role.role.value(), role.keys_left, role.keys, role.threshold,
        role.delegator.value());
  }
}

}  // namespace

bool WithoutView::is_sound() const {
  return std::all_of(roles.begin(), roles.end(), [](const RoleWithout& role) { return role.is_sound(); });
}

bool CheckView::healthy() const {
  return repository.healthy() && (!director || director->healthy()) && (!without || without->is_sound());
}

json::Object as_json(const CheckView& view) {
  json::Object object = as_json(view.place, view.repository);
  object.set("healthy", view.healthy());
  if (view.director) object.set("director", as_json(*view.director));
  if (view.without) object.set("without", as_json(*view.without));
  return object;
}

void show(const CheckView& view) {
  show_repository(view.place, view.repository);
  if (view.director) show_director(*view.director);
  if (view.without) show_without(*view.without);
  fmt::print("{}\n", view.healthy() ? "healthy" : "not healthy");
}

}  // namespace cotter::cli
