#include "server/cli/signers.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <system_error>
#include <utility>

#include "common/keystore/key_record.h"
#include "common/model/roles.h"
#include "server/app/listed_signers.h"
#include "server/keys/keyring.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"
#include "server/signing/remote_signer.h"

namespace cotter::cli {

namespace fs = std::filesystem;

void add_signing_options(CLI::App& verb, SigningOptions& options) {
  verb.add_option(
          "--sign-with", options.holders,
          "a holder's folder: sign on the spot; once for each holder, else the change waits in pending/")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.add_option("--expires", options.expires, "how long the signed list of images lives: 90d, 12h");
}

void add_signer_option(CLI::App& verb, SignerOption& signer) {
  verb.add_option("--signer", signer,
                  "the signing process's socket (default: cotter.toml's; without one, keys/)");
}

void add_signer_options(CLI::App& verb, ReleaseSignerOptions& signers) {
  add_signer_option(verb, signers.signer);
  verb.add_option(
          "--release-signer", signers.release,
          "the socket of the signing process that has the role's key, where it is another than --signer: "
          "on another machine, brought here by ssh -L; of several roles ROLE=SOCKET, may be repeated "
          "(default: cotter.toml's)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

Result<std::optional<std::chrono::seconds>> lifetime_of(const std::string& text) {
  if (text.empty()) return std::optional<std::chrono::seconds>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::int64_t kMostDays = 3650;
  if (error == std::errc() && number > 0 && number <= kMostDays * 24) {
    if (unit == "h") return std::optional<std::chrono::seconds>(std::chrono::hours(number));
    if (unit == "d" && number <= kMostDays)
      return std::optional<std::chrono::seconds>(std::chrono::days(number));
  }
  return fault(Fault::Kind::Usage, "'" + text + "' is no time from now", "say 90d or 12h; at most 3650d");
}

Result<std::vector<ceremony::Signers>> sign_with(const SigningOptions& options, const Context& context,
                                                 app::TargetsSigning& request) {
  request.targets_lifetime = TRY(lifetime_of(options.expires));
  std::vector<ceremony::Signers> holders;
  holders.reserve(options.holders.size());
  for (const fs::path& dir : options.holders) {
    holders.push_back(TRY(ceremony::open_holder(dir, holder_unlock(context, dir.filename().string()),
                                                keys::key_name(Repository::Image, model::targets_role()))));
    for (const auto& signer : holders.back()) request.holders.push_back(signer.get());
  }
  return holders;
}

WorkspaceSigners::WorkspaceSigners(const app::Workspace& workspace, const Context& context,
                                   const ReleaseSignerOptions& signers, std::vector<RoleName> roles)
    : WorkspaceSigners(workspace, context, signers.signer) {
  roles_ = std::move(roles);
  role_socket_ = workspace.settings().release_signer;
  for (const std::string& text : signers.release) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || text.find('/') < equals) {  // a path may have one too
      role_socket_ = text;
    } else {
      role_sockets_[RoleName(text.substr(0, equals))] = text.substr(equals + 1);
    }
  }
}

Result<void> WorkspaceSigners::open() {
  if (keys_) return {};
  if (socket_) {
    keys_ = TRY(signing::RemoteSigners::open(*socket_));
    return {};
  }
  std::vector<RoleName> here;
  for (const RoleName& role : roles_) {
    if (socket_of(role)) continue;
    const auto key = release_key(role);  // before anybody is asked for a passphrase
    if (!key && roles_.size() == 1) return fail(key.error());
    if (key)
      here.push_back(role);  // one of several may have nothing to sign; else it says then what is missing
  }
  keys_ = TRY(keys::open_signers(workspace_->keys_dir(), workspace_unlock(*context_), here));
  return {};
}

Result<app::OnlineSigners> WorkspaceSigners::online() {
  TRY(open());
  const auto root = TRY(repository::newest_root(repository::Layout(workspace_->repo_dir())));
  return app::image_signers(*keys_, *root);
}

Result<keys::Signers*> WorkspaceSigners::all() {
  TRY(open());
  return keys_.get();
}

SignerOption WorkspaceSigners::socket_of(const RoleName& role) const {
  const auto own = role_sockets_.find(role);
  return own != role_sockets_.end() ? SignerOption(own->second) : role_socket_;
}

Result<keys::Signers*> WorkspaceSigners::with_role(const RoleName& role) {
  const SignerOption socket = socket_of(role);
  if (!socket) return all();
  std::unique_ptr<keys::Signers>& keys = role_keys_[*socket];
  if (!keys) keys = TRY(signing::RemoteSigners::open(*socket));
  return keys.get();
}

Result<app::ReleaseSigners> WorkspaceSigners::release(const RoleName& role) {
  const app::OnlineSigners signers = TRY(online());
  keys::Signers* const keys = TRY(with_role(role));
  crypto::Signer* const own = TRY(keys->signer(Repository::Image, role));
  return app::ReleaseSigners{signers, own};
}

Result<crypto::PublicKey> WorkspaceSigners::release_key(const RoleName& role) {
  if (socket_ || socket_of(role)) {
    keys::Signers* const keys = TRY(with_role(role));
    return TRY(keys->signer(Repository::Image, role))->public_key();
  }
  const auto all = TRY(keystore::list_keys(workspace_->keys_dir()));
  if (const auto* key = keys::release_key(all, role); key != nullptr) return key->key;
  const std::string made_for = std::string(name_of(Repository::Image)) + "/" + role.value();
  return fault(Fault::Kind::NotFound, "no key in this workspace was made for " + made_for,
               "cotter key generate --name " + keys::key_name(Repository::Image, role) + " --role " +
                   made_for + " makes one; with --store in a token or a TPM");
}

}  // namespace cotter::cli
