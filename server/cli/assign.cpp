// cotter assign: which image an ECU is to run.
#include "server/app/assign.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

struct AssignOptions {
  std::string vin;
  std::string ecu;
  std::string target;
};

json::Value as_json(const AssignOptions& options, const app::Assigned& done) {
  const model::Target& entry = done.desired.entry;
  return json::Object{{"vin", options.vin},
                      {"ecu", options.ecu},
                      {"target", options.target},
                      {"length", entry.length},
                      {"hashes", entry.hashes.encode()},
                      {"before", done.before ? json::Value(done.before->value()) : json::Value()},
                      {"quarantined", done.quarantined}};
}

Result<void> run_assign(const AssignOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  const app::Assigned done =
      TRY(app::assign(db, workspace.repo_dir(), VehicleId(options.vin), EcuSerial(options.ecu),
                      TargetName(options.target), host::SystemClock().now()));
  if (context.json) {
    host::print_json(as_json(options, done));
    return {};
  }
  fmt::print("{}: {} is to run {} (before: {})\n", options.vin, options.ecu, options.target,
             done.before ? done.before->value() : "nothing assigned");
  if (done.quarantined) fmt::print("it replaces an image that was not assigned by us\n");
  fmt::print("the vehicle learns of it when it next asks; see `cotter vehicle show {}`\n", options.vin);
  return {};
}

}  // namespace

void add_assign(CLI::App& app, Context& context) {
  auto options = std::make_shared<AssignOptions>();
  CLI::App* verb = app.add_subcommand("assign", "choose the image that an ECU is to run");
  verb->add_option("VIN", options->vin, "the vehicle")->required();
  verb->add_option("ECU", options->ecu, "the ECU's serial")->required();
  verb->add_option("TARGET", options->target, "the image's name in the image repository")->required();
  verb->callback([options, &context] { context.exit_code = finish(run_assign(*options, context)); });
}

}  // namespace cotter::cli
