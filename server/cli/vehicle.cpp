// cotter vehicle add|show|certificate, and the other verbs beneath it: the director's inventory.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/issue_certificate.h"
#include "server/app/register_vehicle.h"
#include "server/cli/context.h"
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
  add_vehicle_list(*vehicle, context);
  add_vehicle_tag(*vehicle, context);
  add_vehicle_ecu(*vehicle, context);

  auto vin = std::make_shared<std::string>();
  CLI::App* show =
      vehicle->add_subcommand("show", "one vehicle: what its ECUs run, are to run, and reported");
  show->add_option("VIN", *vin, "the vehicle")->required();
  show->callback([vin, &context] { context.exit_code = finish(run_show(*vin, context)); });

  add_certificate(*vehicle, context);
}

}  // namespace cotter::cli
