// cotter check [URL|DIR]: what a vehicle would make of an image repository.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/check_repository.h"
#include "server/cli/context.h"
#include "server/cli/repository_place.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

using app::RepositoryHealth;
using app::RoleHealth;

struct CheckOptions {
  RepositoryPlace place;
  std::string at;
};

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

void show(const std::string& place, const RepositoryHealth& health) {
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
  fmt::print("{}\n", health.healthy() ? "healthy" : "not healthy");
}

Result<RepositoryHealth> run_check(const CheckOptions& options, const Context& context) {
  const UtcTime now = options.at.empty() ? host::SystemClock().now() : TRY(parse_utc(options.at));
  const OpenRepository repository = TRY(open_repository(options.place, context));
  std::optional<host::Progress> bar;
  RepositoryHealth health =
      TRY(app::check_repository(*repository.source, now, [&](std::uint64_t done, std::uint64_t total) {
        if (!bar) bar.emplace("reading images", total);
        bar->advance_to(done);
      }));
  bar.reset();
  if (context.json) {
    host::print_json(as_json(repository.place, health));
  } else {
    show(repository.place, health);
  }
  return health;
}

int finish_check(const Result<RepositoryHealth>& health) {
  if (!health) return finish(health);
  return static_cast<int>(health->healthy() ? host::Exit::Done : host::Exit::Refused);
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* verb = app.add_subcommand(
      "check",
      "is an image repository healthy: expiries, thresholds, hashes, delegations; exit 3 when it is not");
  verb->add_option("URL|DIR", options->place.text, "where it is (default: the workspace's)");
  verb->add_option("--at", options->at, "as it will be at this time: 2027-01-31T00:00:00Z");
  add_tls_options(*verb, options->place);
  verb->callback([options, &context] { context.exit_code = finish_check(run_check(*options, context)); });
}

}  // namespace cotter::cli
