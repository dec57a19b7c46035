// cotter vehicle import: many vehicles from one file.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/json/canonical.h"
#include "server/app/import_vehicles.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

constexpr std::uint64_t kMostShown = 20;

struct ImportOptions {
  app::ImportRequest request;
  std::filesystem::path report;
};

/// All of them go into the report, the first of them to whoever looks.
class Problems {
 public:
  void add(const inventory::LineProblem& problem) {
    if (count_++ < kMostShown) {
      fmt::print(stderr, "line {}{}: {}\n", problem.line,
                 problem.vin.empty() ? "" : ", vehicle " + problem.vin, problem.why);
    }
    report_ +=
        json::to_text(json::Object{{"line", problem.line}, {"vin", problem.vin}, {"why", problem.why}}) +
        "\n";
  }
  void tell_of_the_rest() const {
    if (count_ > kMostShown) fmt::print(stderr, "and {} lines more\n", count_ - kMostShown);
  }
  [[nodiscard]] const std::string& report() const { return report_; }

 private:
  std::uint64_t count_ = 0;
  std::string report_;
};

Result<void> run(ImportOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  Problems problems;
  std::optional<host::Progress> bar;
  options.request.on_problem = [&](const inventory::LineProblem& problem) {
    bar.reset();
    problems.add(problem);
  };
  options.request.progress = [&](std::uint64_t done, std::uint64_t total) {
    if (!bar) bar.emplace("reading vehicles", total);
    bar->advance_to(done);
  };
  const auto imported = app::import_vehicles(db, options.request, host::SystemClock().now());
  bar.reset();
  problems.tell_of_the_rest();
  if (!options.report.empty())
    TRY(host::write_atomically(options.report, as_bytes(problems.report()), host::kSecretFile));
  const app::ImportOutcome outcome = TRY(imported);
  if (context.json) {
    host::print_json(json::Object{{"vehicles", outcome.vehicles},
                                  {"ecus", outcome.ecus},
                                  {"bad", outcome.bad},
                                  {"recorded", !options.request.dry_run}});
    return {};
  }
  fmt::print("{} vehicles with {} ECUs {}{}\n", outcome.vehicles, outcome.ecus,
             options.request.dry_run ? "would be recorded" : "recorded",
             outcome.bad == 0 ? "" : fmt::format("; {} left out", outcome.bad));
  return {};
}

}  // namespace

void add_vehicle_import(CLI::App& vehicle, Context& context) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* verb = vehicle.add_subcommand(
      "import",
      "record many vehicles from a file: CSV, an ECU a line, or JSON Lines, a vehicle record a line");
  verb->add_option("FILE", options->request.file, "NAME.csv (columns: docs/vehicles.md) or NAME.jsonl")
      ->required();
  verb->add_flag(
      "--skip-bad", options->request.skip_bad,
      "leave out vehicles that are wrong or recorded already; without it one keeps all of them out");
  verb->add_flag("--dry-run", options->request.dry_run, "say what would be recorded, and record nothing");
  verb->add_option("--report", options->report,
                   "write each line that is wrong, and why, to this file (JSON Lines)");
  verb->callback([options, &context] { context.exit_code = finish(run(*options, context)); });
}

}  // namespace cotter::cli
