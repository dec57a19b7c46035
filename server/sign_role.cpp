#include "server/sign_role.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <span>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/passphrase.h"
#include "common/host/system_clock.h"
#include "common/keystore/file_keystore.h"
#include "server/app/offline_keys.h"
#include "server/app/signing_terms.h"
#include "server/app/workspace.h"
#include "server/signing/service.h"
#include "server/signing/socket_server.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;

/// Readable when we are asked to end.
Result<signing::UnixSocket> wish_to_end() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  signing::UnixSocket wish(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!wish.is_open()) return fail(host::errno_fault("cannot wait for signals", errno));
  return wish;
}

/// None where no key is sealed under one.
Result<std::optional<crypto::Secret>> read_passphrase(const SignRole& role, const fs::path& keys_dir) {
  if (!TRY(keystore::has_sealed_keys(keys_dir))) return std::optional<crypto::Secret>();
  return std::optional(
      TRY(host::read_passphrase({role.passphrase_fd, "COTTER_PASSPHRASE", "Passphrase of the online keys"})));
}

/// That of the first caller that is another account than ours.
std::optional<gid_t> group_for(const std::set<uid_t>& callers) {
  const auto other = std::ranges::find_if(callers, [](uid_t uid) { return uid != ::geteuid(); });
  return other == callers.end() ? std::nullopt : app::group_of(*other);
}

void announce(const SignRole& role, const fs::path& socket) {
  if (role.json) return host::print_json_line(json::Object{{"signing", socket.string()}});
  fmt::print("signing at {}\n", socket.string());
  std::fflush(stdout);
}

}  // namespace

Result<void> serve_signatures(const SignRole& role) {
  // Nobody of the same account attaches a debugger, reads our memory, or finds keys in a core.
  ::prctl(PR_SET_DUMPABLE, 0);
  const app::Workspace workspace = TRY(app::Workspace::find(role.workspace));
  const auto socket = role.socket ? role.socket : workspace.settings().signer;
  if (!socket) {
    return fault(Fault::Kind::Usage, "no socket is named to answer at",
                 "give --socket PATH, or set signer in [server] of " + workspace.config_path().string());
  }
  auto terms = TRY(app::signing_terms(workspace.settings()));
  const std::set<uid_t> callers = app::callers_of(terms);
  TRY(app::refuse_writable_terms(workspace, callers));
  const signing::UnixSocket stop = TRY(wish_to_end());
  const fs::path keys_dir = role.keys.value_or(workspace.keys_dir());
  const auto release_roles = TRY(app::signing_release_roles(workspace.settings()));
  const auto given = TRY(read_passphrase(role, keys_dir));
  const crypto::Secret none(0);
  const crypto::Secret& passphrase = given ? *given : none;
  TRY(app::refuse_offline_keys(workspace, keys_dir, std::span(&passphrase, given ? 1U : 0U)));
  keys::Keyring keyring =
      TRY(keys::Keyring::open(keys_dir, keys::unattended(passphrase, role.pin_fd), release_roles));
  auto journal = TRY(signing::Journal::open(keys_dir));
  const host::SystemClock clock;
  signing::Service service(std::move(keyring), std::move(journal), std::move(terms), clock, release_roles);
  auto door = TRY(signing::SocketServer::listen(
      {*socket, callers, group_for(callers)},
      [&](const signing::Request& request, uid_t caller) { return service.answer(request, caller); }));
  announce(role, *socket);
  TRY(door.run(stop.fd()));
  spdlog::info("stopped");
  return {};
}

}  // namespace cotter
