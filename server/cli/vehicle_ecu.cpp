// cotter vehicle ecu add|replace|remove: which ECUs a vehicle has, by whoever may say so.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/json/strict_reader.h"
#include "server/app/change_ecus.h"
#include "server/app/register_vehicle.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

struct EcuOptions {
  std::string vin, leaves, reason;
  std::filesystem::path record;
};

Result<inventory::EcuRecord> read_record(const std::filesystem::path& file) {
  const Bytes document = TRY(host::read_file(file, app::kMaxVehicleRecordBytes));
  const json::Value value = TRY(json::read(document));
  return inventory::EcuRecord::decode(value);
}

void print_words(const EcuOptions& options, const app::EcuChange& change, const app::EcuChanged& changed) {
  if (change.leaves) fmt::print("ECU {} left vehicle {}\n", options.leaves, options.vin);
  if (change.enters) fmt::print("ECU {} is of vehicle {} now\n", change.enters->serial.value(), options.vin);
  if (changed.is_carried) {
    fmt::print("it is to run {}, as the one before it\n", changed.ended->value());
  } else if (change.enters && changed.ended) {
    fmt::print("nothing is assigned to it, not {} either: {}\n", changed.ended->value(), changed.why_not);
  }
  if (change.leaves && change.enters && change.enters->primary) {
    fmt::print("the old primary's certificate still names this vehicle: with it one reads its metadata\n");
  }
}

Result<void> run(const EcuOptions& options, const Context& context) {
  app::EcuChange change;
  change.reason = options.reason;
  if (!options.leaves.empty()) change.leaves = EcuSerial(options.leaves);
  if (!options.record.empty()) change.enters = TRY(read_record(options.record));
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  const app::EcuChanged changed = TRY(
      app::change_ecus(db, workspace.repo_dir(), VehicleId(options.vin), change, host::SystemClock().now()));
  if (!context.json) {
    print_words(options, change, changed);
    return {};
  }
  const auto text_or_null = [](const auto& name) {
    return name ? json::Value(name->value()) : json::Value();
  };
  host::print_json(
      json::Object{{"vin", options.vin},
                   {"left", text_or_null(change.leaves)},
                   {"entered", change.enters ? json::Value(change.enters->serial.value()) : json::Value()},
                   {"image", text_or_null(changed.ended)},
                   {"carried", changed.is_carried},
                   {"why_not", changed.why_not.empty() ? json::Value() : json::Value(changed.why_not)}});
  return {};
}

enum class Verb : std::uint8_t { Add, Replace, Remove };

void add_verb(CLI::App& ecu, Context& context, Verb which, const char* name, const char* what) {
  auto options = std::make_shared<EcuOptions>();
  CLI::App* verb = ecu.add_subcommand(name, what);
  verb->add_option("VIN", options->vin, "the vehicle")->required();
  if (which != Verb::Add) verb->add_option("SERIAL", options->leaves, "the ECU that leaves it")->required();
  if (which != Verb::Remove) {
    verb->add_option("FILE", options->record,
                     "the record of the ECU that enters it (JSON): one of `ecus` in a vehicle record")
        ->required();
  }
  verb->add_option("--reason", options->reason, "why, for whoever asks later: a repair order")->required();
  verb->callback([options, &context] { context.exit_code = finish(run(*options, context)); });
}

}  // namespace

void add_vehicle_ecu(CLI::App& vehicle, Context& context) {
  CLI::App* ecu =
      vehicle.add_subcommand("ecu", "replace, add and remove a vehicle's ECUs, in any state it is in");
  ecu->require_subcommand(1);
  add_verb(*ecu, context, Verb::Replace, "replace",
           "another ECU in the place of one; it is to run what that one was, if it may");
  add_verb(*ecu, context, Verb::Add, "add", "one ECU more");
  add_verb(*ecu, context, Verb::Remove, "remove", "one ECU less; what it was to run ends with it");
}

}  // namespace cotter::cli
