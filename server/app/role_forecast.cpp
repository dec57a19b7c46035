#include "server/app/role_forecast.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "common/base/error.h"
#include "common/model/roles.h"

namespace cotter::app {
namespace {

constexpr std::string_view kForecastType = "cotter-forecast";

bool has_known_end(const LiveRole& role) { return !role.is_bins && role.version && role.expires; }

json::Object forecast_line(const LiveRole& role) {
  json::Array ids;
  for (const SigningKey& key : role.keys) ids.emplace_back(key.id.value());
  return {{"role", role.id()},        {"delegator", role.delegator.value()},
          {"bins", role.is_bins},     {"threshold", std::uint64_t{role.threshold}},
          {"keyids", std::move(ids)}, {"version", nullptr},
          {"expires", nullptr},       {"stops_at", nullptr},
          {"stops_with", nullptr},    {"ended", nullptr},
          {"seconds_apart", nullptr}};
}

}  // namespace

Perishable perishable_in(const LiveRole& role) {
  const bool is_image = role.repository == Repository::Image;
  Perishable what;
  what.id = role.id();
  what.name = role.role.value() + " of the " + (is_image ? "image repository" : "director");
  what.version = role.version->value();
  what.ends = *role.expires;
  if (role.role != model::root_role())
    what.hangs_on = {std::string(name_of(role.repository)) + "/" + role.delegator.value()};
  return what;
}

json::Value role_forecast(const std::vector<LiveRole>& roles, const std::string& log, UtcTime at) {
  std::vector<Perishable> all;
  std::set<std::string> taken;
  for (const LiveRole& role : roles) {
    // A role that two delegate to has one file.
    if (has_known_end(role) && taken.insert(role.id()).second) all.push_back(perishable_in(role));
  }
  std::map<std::string, Ending> endings;
  for (Ending& ending : forecast(all, at, {})) {
    const std::string id = ending.what.id;
    endings.emplace(id, std::move(ending));
  }
  json::Array lines;
  for (const LiveRole& role : roles) {
    json::Object line = forecast_line(role);
    if (has_known_end(role)) {
      const Ending& ending = endings.at(role.id());
      line.set("version", ending.what.version);
      line.set("expires", format_utc(ending.what.ends));
      line.set("stops_at", format_utc(ending.stops_at));
      if (ending.with) line.set("stops_with", *ending.with);
      const bool is_past = ending.stops_at <= at;  // no number of ours is below 0
      const std::chrono::seconds apart = is_past ? at - ending.stops_at : ending.stops_at - at;
      line.set("ended", is_past);
      line.set("seconds_apart", std::int64_t{apart.count()});
    }
    lines.emplace_back(std::move(line));
  }
  return json::Object{
      {"_type", kForecastType}, {"log", log}, {"at", format_utc(at)}, {"roles", std::move(lines)}};
}

}  // namespace cotter::app
