// cotter vehicle add|list|show|certificate, and the others beneath it: the director's inventory.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/issue_certificate.h"
#include "server/app/register_vehicle.h"
#include "server/cli/context.h"
#include "server/cli/given_time.h"
#include "server/cli/vehicle_view.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ecu_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::cli {
namespace {

constexpr std::size_t kMaxRequestBytes = std::size_t{64} * 1024;  // a certificate request takes 1 kB

struct CertificateOptions {
  std::string vin;
  std::filesystem::path request;
  std::filesystem::path out;
};

Result<host::Db> open_inventory(const app::Workspace& workspace) {
  return storage::open_database(workspace.db_path());
}

Result<Bytes> read_input(const std::string& file) {
  if (file != "-") return host::read_file(file, app::kMaxVehicleRecordBytes);
  std::string text(app::kMaxVehicleRecordBytes + 1, '\0');  // one more, so that too much shows as such
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::cin.gcount()));
  return to_bytes(text);
}

Result<void> run_add(const std::string& file, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(open_inventory(workspace));
  const Bytes document = TRY(read_input(file));
  const auto record = TRY(app::register_vehicle(db, document, host::SystemClock().now()));
  if (context.json) {
    host::print_json(json::Object{{"vin", record.vin.value()}, {"ecus", std::uint64_t{record.ecus.size()}}});
  } else {
    fmt::print("vehicle {} recorded with {} ECUs\n", record.vin.value(), record.ecus.size());
  }
  return {};
}

struct ListOptions {
  std::string hardware, image, state, seen_since, seen_before, after;
  std::optional<std::uint64_t> below;
  std::vector<std::string> tags;
  std::uint64_t limit = 0;
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

Result<void> run_list(const ListOptions& options, const Context& context) {
  const storage::VehicleFilter filter = TRY(filter_of(options));
  host::Db db = TRY(open_inventory(TRY(open_workspace(context))));
  const auto vehicles = TRY(storage::InventoryStore(db).list(filter));
  if (context.json) {
    host::print_json(list_as_json(vehicles));
  } else {
    print_list(vehicles);
  }
  return {};
}

Result<void> run_show(const std::string& vin, const Context& context) {
  host::Db db = TRY(open_inventory(TRY(open_workspace(context))));
  storage::InventoryStore store(db);
  const VehicleId id(vin);
  VehicleView view;
  view.vehicle = TRY(store.load(id));
  view.signals = TRY(store.attack_signals(id));
  view.pending = TRY(store.pending_ecus(id));
  view.tags = TRY(store.tags(id));
  view.former = TRY(storage::EcuStore(db).former(id));
  if (context.json) {
    host::print_json(view_as_json(view));
  } else {
    print_view(view);
  }
  return {};
}

Result<void> run_certificate(const CertificateOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(open_inventory(workspace));
  const VehicleId vin(options.vin);
  TRY(storage::InventoryStore(db).desired_revision(vin));  // before anybody is asked for a passphrase
  const Bytes request = TRY(host::read_file(options.request, kMaxRequestBytes));
  const crypto::Secret passphrase = TRY(workspace_passphrase(context));
  const std::string certificate = TRY(
      app::issue_certificate(db, workspace, passphrase, vin, as_text(request), host::SystemClock().now()));
  TRY(host::write_atomically(options.out, as_bytes(certificate)));
  if (context.json) {
    host::print_json(json::Object{{"vin", options.vin}, {"certificate", options.out.string()}});
  } else {
    fmt::print("certificate of {} written to {}\n", options.vin, options.out.string());
  }
  return {};
}

void add_certificate(CLI::App& vehicle, Context& context) {
  auto options = std::make_shared<CertificateOptions>();
  CLI::App* verb = vehicle.add_subcommand("certificate", "sign a vehicle's TLS certificate");
  verb->add_option("VIN", options->vin, "the vehicle, which the certificate names")->required();
  verb->add_option("--csr", options->request, "its certificate request (PEM)")->required();
  verb->add_option("--out", options->out, "where the certificate goes (PEM)")->required();
  verb->callback([options, &context] { context.exit_code = finish(run_certificate(*options, context)); });
}

}  // namespace

void add_vehicle(CLI::App& app, Context& context) {
  CLI::App* vehicle = app.add_subcommand("vehicle", "the vehicles that this director knows");
  vehicle->require_subcommand(1);

  auto file = std::make_shared<std::string>();
  CLI::App* add = vehicle->add_subcommand("add", "record a vehicle as its factory describes it");
  add->add_option("FILE", *file, "the vehicle record (JSON), or - for stdin")->required();
  add->callback([file, &context] { context.exit_code = finish(run_add(*file, context)); });

  add_vehicle_import(*vehicle, context);
  add_vehicle_tag(*vehicle, context);
  add_vehicle_ecu(*vehicle, context);

  auto wanted = std::make_shared<ListOptions>();
  CLI::App* list =
      vehicle->add_subcommand("list", "vehicles, a line each: all, or those that every option fits");
  list->add_option("--tag", wanted->tags, "that has this tag; given again: and that one")
      ->allow_extra_args(false);
  list->add_option("--hardware", wanted->hardware, "with an ECU of this hardware id");
  list->add_option("--image", wanted->image, "with such an ECU that runs this image, by its own last report");
  list->add_option("--below", wanted->below,
                   "with such an ECU that is not known to have run this release counter, or a higher one")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{INT64_MAX}));
  list->add_option(
          "--state", wanted->state,
          "quarantined: an ECU runs an image that we never gave it; updating: one has not confirmed what "
          "it is to run; current: all have; unassigned: none is to run anything")
      ->check(CLI::IsMember({"quarantined", "updating", "current", "unassigned"}));
  list->add_option("--seen-since", wanted->seen_since, "whose last manifest came on that day (UTC) or later");
  list->add_option("--seen-before", wanted->seen_before,
                   "whose last manifest came before that day, or never");
  list->add_option("--limit", wanted->limit, "no more than so many")->check(CLI::PositiveNumber);
  list->add_option("--after", wanted->after, "behind this VIN: the next page");
  list->callback([wanted, &context] { context.exit_code = finish(run_list(*wanted, context)); });

  auto vin = std::make_shared<std::string>();
  CLI::App* show =
      vehicle->add_subcommand("show", "one vehicle: what its ECUs run, are to run, and reported");
  show->add_option("VIN", *vin, "the vehicle")->required();
  show->callback([vin, &context] { context.exit_code = finish(run_show(*vin, context)); });

  add_certificate(*vehicle, context);
}

}  // namespace cotter::cli
