// cotter vehicle list: which vehicles there are, and which of them wait in vain.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/output.h"
#include "server/app/stuck_vehicles.h"
#include "server/cli/context.h"
#include "server/cli/given_time.h"
#include "server/cli/vehicle_view.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

struct ListOptions {
  std::string hardware, image, state, seen_since, seen_before, after, within, at;
  std::optional<std::uint64_t> below;
  std::vector<std::string> tags;
  std::uint64_t limit = 0;
  bool stuck = false;
};

Result<storage::VehicleFilter> filter_of(const ListOptions& options) {
  storage::VehicleFilter filter;
  if (!options.hardware.empty()) filter.hardware = HardwareId(options.hardware);
  if (!options.image.empty()) filter.image = TargetName(options.image);
  if (options.below) filter.below = ReleaseCounter(*options.below);
  for (const std::string& tag : options.tags) filter.tags.emplace_back(tag);
  if (!options.state.empty()) filter.state = storage::vehicle_state_named(options.state);
  if (!options.seen_since.empty()) filter.seen_since = TRY(given_time(options.seen_since));
  if (!options.seen_before.empty()) filter.seen_before = TRY(given_time(options.seen_before));
  if (!options.after.empty()) filter.after = VehicleId(options.after);
  if (options.limit > 0) filter.limit = options.limit;
  return filter;
}

Result<void> list_stuck(host::Db& db, const ListOptions& options, const Context& context) {
  director::Deadlines deadlines;
  if (!options.within.empty()) deadlines.to_confirm = TRY(given_span(options.within));
  const UtcTime now = TRY(given_time_or_now(options.at));
  std::vector<StuckVehicle> found;
  const auto note = [&](const VehicleId& vin, const director::Stuck& stuck) {
    found.push_back({vin, stuck});
  };
  TRY(app::stuck_vehicles(db, TRY(filter_of(options)), deadlines, now, note));
  if (context.json) {
    host::print_json(stuck_as_json(found));
  } else {
    print_stuck(found);
  }
  return {};
}

Result<void> run(const ListOptions& options, const Context& context) {
  host::Db db = TRY(storage::open_database(TRY(open_workspace(context)).db_path()));
  if (options.stuck) return list_stuck(db, options, context);
  const auto vehicles = TRY(storage::InventoryStore(db).list(TRY(filter_of(options))));
  if (context.json) {
    host::print_json(list_as_json(vehicles));
  } else {
    print_list(vehicles);
  }
  return {};
}

}  // namespace

void add_vehicle_list(CLI::App& vehicle, Context& context) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* verb =
      vehicle.add_subcommand("list", "vehicles, a line each: all, or those that every option fits");
  verb->add_option("--tag", options->tags, "that has this tag; given again: and that one")
      ->allow_extra_args(false);
  verb->add_option("--hardware", options->hardware, "with an ECU of this hardware id");
  verb->add_option("--image", options->image,
                   "with such an ECU that runs this image, by its own last report");
  verb->add_option("--below", options->below,
                   "with such an ECU that is not known to have run this release counter, or a higher one")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{INT64_MAX}));
  verb->add_option(
          "--state", options->state,
          "quarantined: an ECU runs an image that we never gave it; updating: one has not confirmed what "
          "it is to run; current: all have; unassigned: none is to run anything")
      ->check(CLI::IsMember({"quarantined", "updating", "current", "unassigned"}));
  verb->add_option("--seen-since", options->seen_since,
                   "whose last manifest came on that day (UTC) or later");
  verb->add_option("--seen-before", options->seen_before,
                   "whose last manifest came before that day, or never");
  verb->add_option("--limit", options->limit, "no more than so many")->check(CLI::PositiveNumber);
  verb->add_option("--after", options->after, "behind this VIN: the next page");
  CLI::Option* stuck =
      verb->add_flag("--stuck", options->stuck,
                     "those that wait in vain, since when, why, and what a person can do about it");
  verb->add_option("--within", options->within,
                   "how long an ECU may take to confirm what it was assigned (14d)")
      ->needs(stuck);
  verb->add_option("--at", options->at, "judge as of that day, not now")->needs(stuck);
  verb->callback([options, &context] { context.exit_code = finish(run(*options, context)); });
}

}  // namespace cotter::cli
