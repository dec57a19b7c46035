// The keys that verbs sign with: holders' folders, and the workspace's online keys.
// Never unlocks what a verb did not ask for. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/public_key.h"
#include "server/app/release_role.h"
#include "server/app/targets_change.h"
#include "server/ceremony/holder.h"
#include "server/cli/context.h"
#include "server/keys/signers.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace cotter::cli {

/// `--sign-with` and `--expires` of verbs that change the targets.
struct SigningOptions {
  std::vector<std::filesystem::path> holders;
  std::string expires;
};
void add_signing_options(CLI::App& verb, SigningOptions& options);

/// `--signer`, of every verb that signs with online keys: the signing process's socket. Without it
/// cotter.toml's, and without that keys/.
using SignerOption = std::optional<std::filesystem::path>;
void add_signer_option(CLI::App& verb, SignerOption& signer);

/// Of verbs that sign with a release role's key too. Who has that key and the director's can do what neither
/// can alone, so that it may lie on another machine, in a signing process there.
struct ReleaseSignerOptions {
  SignerOption signer{};  ///< `--signer`
  /// `--release-signer`: the socket where a role's key answers, ROLE=SOCKET, or SOCKET for those without one
  /// of their own; default: `signer`.
  std::vector<std::string> release{};
};
void add_signer_options(CLI::App& verb, ReleaseSignerOptions& signers);

/// "90d", "12h": how long from now; nothing of an empty text. Fault: Usage.
Result<std::optional<std::chrono::seconds>> lifetime_of(const std::string& text);

/// The image targets keys of each holder, unlocked, and what else the options say of `request`, which does
/// not outlive them. Faults: Usage, those of open_holder().
Result<std::vector<ceremony::Signers>> sign_with(const SigningOptions& options, const Context& context,
                                                 app::TargetsSigning& request);

/// The workspace's online keys, in the signing process where there is one; asked for when something is to be
/// signed. Must not outlive its context and workspace.
class WorkspaceSigners {
 public:
  WorkspaceSigners(const app::Workspace& workspace, const Context& context, const SignerOption& signer)
      : workspace_(&workspace), context_(&context), socket_(signer ? signer : workspace.settings().signer) {}
  /// `roles`: release roles whose keys are wanted too.
  WorkspaceSigners(const app::Workspace& workspace, const Context& context,
                   const ReleaseSignerOptions& signers, std::vector<RoleName> roles);
  /// Those that the newest root lists. Faults: NotFound (no such key), Denied, Busy, Timeout, Io.
  Result<app::OnlineSigners> online();
  /// All of them. Faults: as online().
  Result<keys::Signers*> all();
  /// With that of the role, one of those wanted.
  Result<app::ReleaseSigners> release(const RoleName& role);
  /// The public half of the role's key: the one that was made for image/ROLE. Asks for no passphrase. Faults:
  /// as online().
  Result<crypto::PublicKey> release_key(const RoleName& role);

 private:
  Result<void> open();
  /// Where the role's key answers, if not beside the others.
  [[nodiscard]] SignerOption socket_of(const RoleName& role) const;
  /// Those among which the role's is.
  Result<keys::Signers*> with_role(const RoleName& role);
  const app::Workspace* workspace_;
  const Context* context_;
  SignerOption socket_;
  std::vector<RoleName> roles_;
  std::map<RoleName, std::filesystem::path> role_sockets_;
  SignerOption role_socket_;  ///< of all other roles
  std::unique_ptr<keys::Signers> keys_;
  std::map<std::filesystem::path, std::unique_ptr<keys::Signers>> role_keys_;  ///< by socket
};

}  // namespace cotter::cli
