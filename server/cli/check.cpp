// cotter check [URL|DIR]: what a vehicle would make of an image repository.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <system_error>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/check_repository.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/repository/folder_transport.h"
#include "server/repository/url_transport.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::RepositoryHealth;
using app::RoleHealth;

struct CheckOptions {
  std::string place;
  std::string at;
  repository::TlsFiles tls;
};

bool is_url(const std::string& place) { return place.find("://") != std::string::npos; }

/// The folder of the repository: the one named, or the one in the workspace that is named or found.
Result<fs::path> folder_of(const std::string& place, const Context& context) {
  if (place.empty()) return TRY(open_workspace(context)).repo_dir();
  std::error_code ignored;
  if (fs::exists(fs::path(place) / "cotter.toml", ignored))
    return TRY(app::Workspace::open(place)).repo_dir();
  return fs::path(place);
}

Result<std::unique_ptr<repository::Source>> open_source(const CheckOptions& options,
                                                        const std::string& place) {
  if (!is_url(place)) return std::unique_ptr<repository::Source>(new repository::FolderTransport(place));
  auto transport = TRY(repository::UrlTransport::create(place, options.tls));
  return std::unique_ptr<repository::Source>(new repository::UrlTransport(std::move(transport)));
}

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
  const std::string place =
      is_url(options.place) ? options.place : TRY(folder_of(options.place, context)).string();
  const auto source = TRY(open_source(options, place));
  std::optional<host::Progress> bar;
  RepositoryHealth health =
      TRY(app::check_repository(*source, now, [&](std::uint64_t done, std::uint64_t total) {
        if (!bar) bar.emplace("reading images", total);
        bar->advance_to(done);
      }));
  bar.reset();
  if (context.json) {
    host::print_json(as_json(place, health));
  } else {
    show(place, health);
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
      "check", "is an image repository healthy: expiries, thresholds, hashes; exit 3 when it is not");
  verb->add_option("URL|DIR", options->place, "where it is (default: the workspace's)");
  verb->add_option("--at", options->at, "as it will be at this time: 2027-01-31T00:00:00Z");
  verb->add_option("--ca", options->tls.ca, "for https: trust this CA (PEM) and no other");
  verb->add_option("--certificate", options->tls.certificate, "for https: our certificate (PEM)");
  verb->add_option("--key", options->tls.key, "for https: our private key (PEM)");
  verb->callback([options, &context] { context.exit_code = finish_check(run_check(*options, context)); });
}

}  // namespace cotter::cli
