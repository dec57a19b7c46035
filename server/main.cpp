// cotterd: the composition root. Which parts run is decided here, and nowhere else.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "common/host/logging.h"
#include "common/host/output.h"
#include "common/host/passphrase.h"
#include "common/host/process.h"
#include "common/host/system_clock.h"
#include "common/model/time_source.h"
#include "server/app/director_service.h"
#include "server/app/keeper.h"
#include "server/app/listed_signers.h"
#include "server/app/offline_keys.h"
#include "server/app/open_due.h"
#include "server/app/operations_service.h"
#include "server/app/renew_repository.h"
#include "server/app/time_service.h"
#include "server/app/workspace.h"
#include "server/http/access_log.h"
#include "server/http/descriptors.h"
#include "server/http/listen_address.h"
#include "server/http/server.h"
#include "server/keys/keyring.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"
#include "server/sign_role.h"
#include "server/signing/remote_signer.h"
#include "server/storage/sqlite/database.h"

namespace {

using namespace cotter;

struct Arguments {
  std::optional<std::filesystem::path> workspace;
  std::string listen;
  std::string role = "all";
  bool plain = false;
  bool json = false;
  std::optional<int> passphrase_fd;
  std::optional<int> pin_fd;
  std::optional<std::filesystem::path> signer;
  std::optional<std::filesystem::path> keys;
  std::optional<std::filesystem::path> socket;
  std::optional<std::filesystem::path> access_log;
};

/// What of the server has things signed; everything it stands on lives here.
struct Signing {
  host::SystemClock clock;
  std::unique_ptr<keys::Signers> keys;  ///< here, or in the signing process
  std::unique_ptr<app::DirectorService> director;
  std::unique_ptr<app::TimeService> time;
};

/// Another process could have keys of another workspace: those that the root lists are looked for, not names.
Result<std::unique_ptr<app::DirectorService>> open_director(const app::Workspace& workspace,
                                                            Signing& signing) {
  if (signing.keys->ledger() == nullptr) {
    spdlog::info("the ledger is not signed: this workspace has no key named {}", keys::kLedgerKeyName);
  }
  const auto signers = [&signing](const model::Root& root) {
    return app::director_signers(*signing.keys, root);
  };
  return app::DirectorService::open(app::DirectorPlaces::of(workspace), signers, signing.clock);
}

/// A workspace from before there was a time key has none: the director's root lists none then, and vehicles
/// go by their own clocks. On a machine of its own the time source has no ledger but its own, which begins
/// here.
Result<std::unique_ptr<app::TimeService>> open_time(const Arguments& arguments,
                                                    const app::Workspace& workspace, Signing& signing) {
  const auto signer = signing.keys->signer(Repository::Director, model::time_source_role());
  if (signer) {
    host::Db ledger = TRY(storage::open_database(workspace.db_path()));
    return std::make_unique<app::TimeService>(**signer, signing.clock, std::move(ledger));
  }
  if (arguments.role == "time" || !is_fault(signer.error(), Fault::Kind::NotFound))
    return fail(signer.error());
  spdlog::info("no time is attested: this workspace has no key for director/{}",
               model::time_source_role().value());
  return std::unique_ptr<app::TimeService>();
}

/// Where the signing process answers; nothing: this one has the keys.
std::optional<std::filesystem::path> signer_of(const Arguments& arguments, const app::Workspace& workspace) {
  return arguments.signer ? arguments.signer : workspace.settings().signer;
}

Result<std::unique_ptr<keys::Signers>> open_keys(const Arguments& arguments, const app::Workspace& workspace,
                                                 std::span<const crypto::Secret> passphrases) {
  if (const auto signer = signer_of(arguments, workspace)) {
    TRY(app::refuse_online_keys(workspace, passphrases));
    return TRY(signing::RemoteSigners::open(*signer));
  }
  return keys::open_signers(workspace.keys_dir(), keys::unattended(passphrases.front(), arguments.pin_fd));
}

Result<std::unique_ptr<Signing>> open_signing(const Arguments& arguments, const app::Workspace& workspace,
                                              std::span<const crypto::Secret> passphrases) {
  auto signing = std::make_unique<Signing>();
  signing->keys = TRY(open_keys(arguments, workspace, passphrases));
  if (arguments.role != "time") signing->director = TRY(open_director(workspace, *signing));
  if (arguments.role != "director") signing->time = TRY(open_time(arguments, workspace, *signing));
  return signing;
}

void renew(const app::Workspace& workspace, const app::OnlineSignersFor& signers, UtcTime now) {
  const auto renewed = app::renew_repository(workspace, signers, now);
  if (!renewed) {
    spdlog::error("the image repository could not be renewed: {}", summary(renewed.error()));
  } else if (*renewed) {
    spdlog::info("image repository renewed: snapshot {}, timestamp {}", (*renewed)->snapshot.value(),
                 (*renewed)->timestamp.value());
  }
}

/// Says what only people can do.
void open_due(const app::Workspace& workspace, UtcTime now) {
  const app::CeremonyRound round = app::open_due_ceremonies(workspace, now);
  for (const app::DueCeremony& due : round.opened) {
    spdlog::warn("the {} {} at {}: its holders must sign {} (cotter ceremony status)", due.what,
                 due.needed_by > now ? "expires" : "has expired", format_utc(due.needed_by),
                 due.bundle.string());
  }
  for (const app::MissedCeremony& missed : round.missed) {
    spdlog::error("whether the {} needs a ceremony could not be seen to: {}", missed.what,
                  summary(missed.why));
  }
}

/// What the keeper would need of a workspace: not all of them have it. Faults: NotFound, Denied (no image
/// repository, or no key that its root lists), and others of the repository and of the signers.
Result<void> find_image_signers(const app::Workspace& workspace, keys::Signers& keys) {
  const auto root = TRY(repository::newest_root(repository::Layout(workspace.repo_dir())));
  TRY(app::image_signers(keys, *root));
  return {};
}

/// Keeps the image repository fresh, and has ceremonies opened in time. A director alone does it too, where
/// it can: beside it no other role has keys and database.
Result<std::unique_ptr<app::Keeper>> keep_repository(const Arguments& arguments,
                                                     const app::Workspace& workspace, Signing& signing) {
  // Said at the start, not when it is due.
  if (const auto found = find_image_signers(workspace, *signing.keys); !found) {
    const Error& why = found.error();
    const bool belongs_to_another =
        is_fault(why, Fault::Kind::NotFound) || is_fault(why, Fault::Kind::Denied);
    if (arguments.role != "director" || !belongs_to_another) return fail(why);
    spdlog::warn(
        "this process keeps no image repository fresh and opens no ceremonies: {}. Where cotter.db and those "
        "keys are, a cotterd of role director or all must run",
        summary(why));
    return std::unique_ptr<app::Keeper>();
  }
  return std::make_unique<app::Keeper>([&workspace, &signing] {
    const auto signers = [&signing](const model::Root& root) {
      return app::image_signers(*signing.keys, root);
    };
    open_due(workspace, signing.clock.now());
    renew(workspace, signers, signing.clock.now());
  });
}

/// Who serves the repository alone can sign nothing, but see that nobody does.
void watch(const app::Workspace& workspace, UtcTime now) {
  const auto late = app::overdue_renewal(workspace, now);
  if (!late) {
    spdlog::error("the image repository cannot be read as a vehicle reads it: {}", summary(late.error()));
  } else if (*late) {
    spdlog::error(
        "nobody renews the image repository: its {} {} at {}; a cotterd of role director or all must run "
        "where "
        "cotter.db and the keys are, and what it publishes come here",
        (*late)->role.value(), (*late)->expires > now ? "expires" : "has expired",
        format_utc((*late)->expires));
  }
}

/// Whatever of this the role is there for.
Result<std::unique_ptr<app::Keeper>> open_keeper(const Arguments& arguments, const app::Workspace& workspace,
                                                 Signing* signing, const Clock& clock) {
  if (arguments.role == "time") return std::unique_ptr<app::Keeper>();
  if (signing != nullptr) return keep_repository(arguments, workspace, *signing);
  spdlog::info("this process renews nothing: a cotterd of role director or all must run beside it");
  return std::make_unique<app::Keeper>([&workspace, &clock] { watch(workspace, clock.now()); });
}

/// Tokens never cross a wire in the clear; and it takes the database and the repository both.
Result<std::unique_ptr<app::OperationsService>> open_operations(const Arguments& arguments,
                                                                const app::Workspace& workspace,
                                                                const Clock& clock) {
  if (arguments.role != "all" || arguments.plain) return std::unique_ptr<app::OperationsService>();
  return app::OperationsService::open(workspace.db_path(), workspace.submissions_dir(), workspace.repo_dir(),
                                      clock);
}

/// The workspace's comes first, where it is needed. A holder's is no business of this program: it is looked
/// at only to make sure that it opens nothing.
Result<std::vector<crypto::Secret>> read_passphrases(const Arguments& arguments, bool of_workspace) {
  std::vector<crypto::Secret> passphrases;
  if (of_workspace) {
    passphrases.push_back(TRY(host::read_passphrase(
        {arguments.passphrase_fd, "COTTER_PASSPHRASE", "Passphrase of the workspace"})));
  }
  const char* stray = std::getenv("COTTER_PASSPHRASE_HOLDER");
  if (stray != nullptr && *stray != '\0') {
    passphrases.push_back(TRY(host::read_passphrase({std::nullopt, "COTTER_PASSPHRASE_HOLDER", ""})));
  }
  return passphrases;
}

http::Access access_of(const app::Settings& settings, bool plain) {
  http::Access access;
  access.public_repository = plain || settings.public_repo;
  access.vehicles_by_name = plain;
  access.writes = {settings.writes_at_once, settings.writes_per_minute};
  access.reads = {settings.reads_at_once, settings.reads_per_minute};
  return access;
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
  TRY(http::parse_listen_address(arguments.listen.empty() ? workspace.settings().listen : arguments.listen,
                                 options));
  if (arguments.plain && !http::is_loopback(options.host)) {
    return fault(Fault::Kind::Usage,
                 "--plain is for loopback addresses only: anyone could call as any vehicle",
                 "listen on 127.0.0.1, or leave --plain out");
  }
  const bool signs = arguments.role != "image";
  const bool has_keys = signs && !signer_of(arguments, workspace);
  const bool needs_passphrase = has_keys || !arguments.plain;
  const std::vector<crypto::Secret> passphrases = TRY(read_passphrases(arguments, needs_passphrase));
  TRY(app::refuse_offline_keys(workspace, workspace.keys_dir(), passphrases));
  std::unique_ptr<Signing> signing;
  if (signs) signing = TRY(open_signing(arguments, workspace, passphrases));
  if (!arguments.plain) {
    const auto pki = workspace.pki_dir();
    options.tls =
        http::TlsMaterial{pki / "ca.crt", pki / "server.crt", pki / "server.key", &passphrases.front()};
  }
  std::optional<std::filesystem::path> repo_dir;
  if (arguments.role == "image" || arguments.role == "all") repo_dir = workspace.repo_dir();
  const host::SystemClock clock;
  const auto operations = TRY(open_operations(arguments, workspace, clock));
  const http::Router router(repo_dir, signing ? signing->director.get() : nullptr,
                            access_of(workspace.settings(), arguments.plain),
                            signing ? signing->time.get() : nullptr, operations.get());
  options.max_connections = http::connections_that_fit(options.max_connections);
  std::unique_ptr<http::AccessLog> access_log;
  if (arguments.access_log) access_log = TRY(http::AccessLog::open(*arguments.access_log));
  options.access_log = access_log.get();
  const auto server = TRY(http::Server::listen(options, router));
  const auto keeper = TRY(open_keeper(arguments, workspace, signing.get(), clock));
  const std::string host =
      options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]";
  announce(arguments,
           (arguments.plain ? "http://" : "https://") + host + ":" + std::to_string(server->port()));
  server->run();
  spdlog::info("stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(
      "Serves a workspace's image repository, director and time source to vehicles over HTTPS.\n"
      "The workspace's passphrase, of the online keys and of the TLS key, comes from COTTER_PASSPHRASE,\n"
      "--passphrase-fd or a prompt.");
  app.set_version_flag("--version", "cotterd " COTTER_VERSION);
  app.add_option("-C", arguments.workspace,
                 "The workspace (else COTTER_WORKSPACE, or the current folder upward)")
      ->type_name("DIR");
  app.add_option("--listen", arguments.listen, "Numeric address and port; port 0 takes any free one")
      ->type_name("ADDR:PORT");
  app.add_option("--role", arguments.role,
                 "image: the image repository alone, with no database and no signing key; "
                 "director: the director alone, which renews the image repository beside it; "
                 "time: attested time alone, no key but its own and, on a machine apart, its own ledger; "
                 "sign: the online keys alone, behind a socket, with no network")
      ->check(CLI::IsMember({"image", "director", "time", "all", "sign"}))
      ->capture_default_str();
  app.add_flag("--plain", arguments.plain,
               "HTTP without TLS, vehicles named in the path; loopback and development only");
  app.add_option("--passphrase-fd", arguments.passphrase_fd, "Read the passphrase from this file descriptor");
  app.add_option(
      "--pin-fd", arguments.pin_fd,
      "Read the PINs of tokens from this file descriptor, a line each; better: pin-source in the key's URI");
  app.add_option("--signer", arguments.signer,
                 "Have the process that answers at this socket sign: this one opens no key")
      ->type_name("SOCKET");
  app.add_option("--socket", arguments.socket, "With --role sign: where to answer")->type_name("SOCKET");
  app.add_option("--keys", arguments.keys, "With --role sign: the keys' folder (default: the workspace's)")
      ->type_name("DIR");
  app.add_option("--access-log", arguments.access_log,
                 "Append a line for each answer: time, method, path, status, bytes of body sent, encoding; "
                 "no queries, no clients' addresses")
      ->type_name("FILE");
  app.add_flag("--json", arguments.json, "Say what is served as JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(host::Exit::Usage);
  }
  if (const auto logging = host::set_up_logging(); !logging) return host::finish(logging);
  const bool is_signer = arguments.role == "sign";
  if (is_signer && arguments.access_log) {
    return host::finish<void>(fault(Fault::Kind::Usage, "--access-log is for roles that answer over HTTP",
                                    "leave it out: this role keeps a journal"));
  }
  if (is_signer ? arguments.signer.has_value() : arguments.socket || arguments.keys) {
    return host::finish<void>(fault(Fault::Kind::Usage,
                                    "--socket and --keys are for --role sign, --signer for all others",
                                    "leave out what does not belong to this role"));
  }
  if (is_signer) {
    return host::finish(serve_signatures({arguments.workspace, arguments.keys, arguments.socket,
                                          arguments.passphrase_fd, arguments.pin_fd, arguments.json}));
  }
  return host::finish(serve(arguments));
}
