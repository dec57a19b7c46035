// cotter vehicle tag: what people choose vehicles by.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/model/file_names.h"
#include "server/app/tag_vehicles.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

struct TagOptions {
  std::vector<std::string> vins, add, remove;
  std::string from;
};

Result<void> read_vins(std::istream& in, const std::string& name, std::vector<VehicleId>& vins) {
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (!model::is_identifier(line)) {
      return fault(Fault::Kind::Denied, name + ", line " + std::to_string(number) + " is no VIN",
                   "one VIN a line, and nothing else");
    }
    vins.emplace_back(line);
  }
  if (in.bad()) return fail(host::errno_fault("cannot read " + name, errno));
  return {};
}

Result<std::vector<VehicleId>> all_vins(const TagOptions& options) {
  std::vector<VehicleId> vins(options.vins.begin(), options.vins.end());
  if (options.from == "-") {
    TRY(read_vins(std::cin, "stdin", vins));
  } else if (!options.from.empty()) {
    std::ifstream in(options.from, std::ios::binary);
    if (!in) return fail(host::errno_fault("cannot read " + options.from, errno));
    TRY(read_vins(in, options.from, vins));
  }
  return vins;
}

Result<void> run(const TagOptions& options, const Context& context) {
  const app::TagChange change{{options.add.begin(), options.add.end()},
                              {options.remove.begin(), options.remove.end()}};
  const std::vector<VehicleId> vins = TRY(all_vins(options));
  host::Db db = TRY(storage::open_database(TRY(open_workspace(context)).db_path()));
  const std::uint64_t changed = TRY(app::tag_vehicles(db, vins, change, host::SystemClock().now()));
  if (context.json) {
    host::print_json(json::Object{{"vehicles", std::uint64_t{vins.size()}}, {"changed", changed}});
  } else {
    fmt::print("{} of {} vehicles changed\n", changed, vins.size());
  }
  return {};
}

}  // namespace

void add_vehicle_tag(CLI::App& vehicle, Context& context) {
  auto options = std::make_shared<TagOptions>();
  CLI::App* verb = vehicle.add_subcommand(
      "tag", "give vehicles tags to choose them by (canary, market-jp), or take them away; all or none");
  auto* which = verb->add_option_group("which");
  which->add_option("VIN", options->vins, "the vehicles");
  which->add_option("--from", options->from, "and those that this file names, one a line; - is stdin");
  which->require_option(1, 2);
  auto* change = verb->add_option_group("change");
  change->add_option("--add", options->add, "a tag that they get; may be given again")
      ->allow_extra_args(false);
  change->add_option("--remove", options->remove, "a tag that they lose; may be given again")
      ->allow_extra_args(false);
  change->require_option(1, 2);
  verb->callback([options, &context] { context.exit_code = finish(run(*options, context)); });
}

}  // namespace cotter::cli
