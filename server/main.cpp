// cotterd: the composition root. Which parts run is decided here, and nowhere else.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "common/host/logging.h"
#include "common/host/output.h"
#include "common/host/passphrase.h"
#include "common/host/process.h"
#include "common/host/system_clock.h"
#include "server/app/director_service.h"
#include "server/app/offline_keys.h"
#include "server/app/workspace.h"
#include "server/http/listen_address.h"
#include "server/http/server.h"
#include "server/keys/keyring.h"

namespace {

using namespace cotter;

struct Arguments {
  std::optional<std::filesystem::path> workspace;
  std::string listen;
  std::string role = "all";
  bool plain = false;
  bool json = false;
  std::optional<int> passphrase_fd;
};

/// The director, its keys unlocked; everything it stands on lives here.
struct Director {
  host::SystemClock clock;
  keys::Keyring keyring;
  std::unique_ptr<app::DirectorService> service;
};

Result<std::unique_ptr<Director>> open_director(const app::Workspace& workspace, const crypto::Secret& passphrase) {
  auto director = std::make_unique<Director>(Director{{}, TRY(keys::Keyring::open(workspace.keys_dir(), passphrase)), {}});
  const auto signer = [&](const RoleName& role) { return director->keyring.signer(Repository::Director, role); };
  app::DirectorSigners signers;
  signers.targets = TRY(signer(model::targets_role()));
  signers.snapshot = TRY(signer(model::snapshot_role()));
  signers.timestamp = TRY(signer(model::timestamp_role()));
  director->service =
      TRY(app::DirectorService::open(app::DirectorPlaces::of(workspace), signers, director->clock));
  return director;
}

void announce(const Arguments& arguments, const std::string& url) {
  if (arguments.json) {
    host::print_json_line(json::Object{{"listening", url}});
    return;
  }
  std::printf("listening on %s\n", url.c_str());
  std::fflush(stdout);
}

Result<void> serve(const Arguments& arguments) {
  const app::Workspace workspace = TRY(app::Workspace::find(arguments.workspace));
  http::ServerOptions options;
  TRY(http::parse_listen_address(arguments.listen.empty() ? workspace.settings().listen : arguments.listen, options));
  if (arguments.plain && !http::is_loopback(options.host)) {
    return fault(Fault::Kind::Usage, "--plain is for loopback addresses only: anyone could call as any vehicle",
                 "listen on 127.0.0.1, or leave --plain out");
  }
  const bool directs = arguments.role != "image";
  std::optional<crypto::Secret> passphrase;
  std::unique_ptr<Director> director;
  if (directs || !arguments.plain) {
    passphrase = TRY(host::read_passphrase({arguments.passphrase_fd, "COTTER_PASSPHRASE", "Passphrase of the workspace"}));
    TRY(app::refuse_offline_keys(workspace, *passphrase));
  }
  if (directs) director = TRY(open_director(workspace, *passphrase));
  if (!arguments.plain) {
    const auto pki = workspace.pki_dir();
    options.tls = http::TlsMaterial{pki / "ca.crt", pki / "server.crt", pki / "server.key", &*passphrase};
  }
  const http::Router router(workspace.repo_dir(), director ? director->service.get() : nullptr,
                            {arguments.plain || workspace.settings().public_repo, arguments.plain});
  const auto server = TRY(http::Server::listen(options, router));
  const std::string host = options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]";
  announce(arguments, (arguments.plain ? "http://" : "https://") + host + ":" + std::to_string(server->port()));
  server->run();
  spdlog::info("stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Serves a workspace's image repository and director to vehicles over HTTPS.\n"
               "The passphrase of the online keys comes from COTTER_PASSPHRASE, --passphrase-fd or a prompt.");
  app.set_version_flag("--version", "cotterd " COTTER_VERSION);
  app.add_option("-C", arguments.workspace, "The workspace (else COTTER_WORKSPACE, or the current folder upward)")
      ->type_name("DIR");
  app.add_option("--listen", arguments.listen, "Numeric address and port; port 0 takes any free one")->type_name("ADDR:PORT");
  app.add_option("--role", arguments.role, "image: the image repository alone, with no database and no signing key")
      ->check(CLI::IsMember({"image", "director", "all"}))
      ->capture_default_str();
  app.add_flag("--plain", arguments.plain, "HTTP without TLS, vehicles named in the path; loopback and development only");
  app.add_option("--passphrase-fd", arguments.passphrase_fd, "Read the passphrase from this file descriptor");
  app.add_flag("--json", arguments.json, "Say what is served as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(host::Exit::Usage);
  }
  if (const auto logging = host::set_up_logging(); !logging) return host::finish(logging);
  return host::finish(serve(arguments));
}
