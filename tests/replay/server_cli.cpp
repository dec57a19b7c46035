#include "tests/replay/server_cli.h"

#include <CLI/CLI.hpp>

#include "common/host/output.h"

namespace cotter::replay {
namespace {

void add_identity_options(CLI::App& verb, ServerArguments& arguments) {
  verb.add_option("--seed", arguments.options.seed_file,
                  "the file that the kit's vehicles have their keys from; made where there is none")
      ->type_name("FILE")
      ->default_str("cotter-replay.seed");
  verb.add_option("--vin", arguments.options.vin, "the hostile vehicle; the honest one is VIN-NEIGHBOUR")
      ->type_name("VIN")
      ->capture_default_str();
}

/// Over TLS both vehicles need a certificate; without, neither has a use for one.
Result<void> check_credentials(const ServerOptions& options) {
  const bool tls = options.url.starts_with("https://");
  for (const Credentials* each : {&options.vehicle, &options.neighbour}) {
    if (each->certificate.empty() != each->key.empty())
      return fault(Fault::Kind::Usage, "a certificate and its key come together",
                   "--client-cert with --client-key, --neighbour-cert with --neighbour-key");
    if (tls && each->certificate.empty())
      return fault(Fault::Kind::Usage, "over TLS each of the two vehicles needs a certificate",
                   "--client-cert, --client-key, --neighbour-cert, --neighbour-key (docs/attack-kit.md)");
    if (!tls && !each->certificate.empty())
      return fault(Fault::Kind::Usage, "certificates are shown over TLS alone", "--server https://…");
  }
  return {};
}

ServerOptions complete(const ServerArguments& arguments) {
  ServerOptions options = arguments.options;
  if (options.seed_file.empty()) options.seed_file = "cotter-replay.seed";
  options.neighbour.ca = options.vehicle.ca;
  options.patience = std::chrono::seconds(arguments.patience);
  options.others_within = std::chrono::seconds(arguments.others_within);
  return options;
}

}  // namespace

void add_server_options(CLI::App& run, ServerArguments& arguments) {
  ServerOptions& options = arguments.options;
  CLI::Option* server = run.add_option(
      "--server", options.url, "attack a server instead: https with certificates, or http on loopback");
  server->type_name("URL");
  const auto file = [&](const char* name, std::filesystem::path& into, const char* what) {
    run.add_option(name, into, what)->type_name("FILE")->needs(server);
  };
  file("--ca", options.vehicle.ca, "who signed the server's certificate (PEM); without it, it is not judged");
  file("--client-cert", options.vehicle.certificate, "the hostile vehicle's certificate");
  file("--client-key", options.vehicle.key, "and key, not encrypted");
  file("--neighbour-cert", options.neighbour.certificate, "the honest vehicle's certificate");
  file("--neighbour-key", options.neighbour.key, "and key");
  add_identity_options(run, arguments);
  run.add_option("--patience", arguments.patience,
                 "seconds in which the server must end a connection that comes to nothing")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  run.add_option("--others-within", arguments.others_within,
                 "seconds in which it must serve an honest vehicle during an attack")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_record_options(CLI::App& vehicle_record, ServerArguments& arguments) {
  add_identity_options(vehicle_record, arguments);
  vehicle_record.add_flag("--neighbour", arguments.neighbour, "of the honest vehicle");
}

Result<std::vector<Verdict>> run_as_told(const ServerArguments& arguments,
                                         const std::vector<scenario::Scenario>& scenarios,
                                         const std::function<void(const Verdict&)>& seen) {
  const ServerOptions options = complete(arguments);
  TRY(check_credentials(options));
  return run_against_server(options, scenarios, seen);
}

Result<void> print_vehicle_record(const ServerArguments& arguments) {
  const ServerOptions options = complete(arguments);
  const Identity identity = TRY(Identity::open(options.seed_file, options.vin));
  host::print_json((arguments.neighbour ? identity.neighbours_record() : identity.record()).encode());
  return {};
}

}  // namespace cotter::replay
