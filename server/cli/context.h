// What every verb of `cotter` shares: the common options and how a verb ends.
// Never holds a passphrase. One thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "common/host/passphrase.h"
#include "common/host/process.h"
#include "common/keystore/key_folder.h"
#include "server/app/workspace.h"

namespace cotter::cli {

struct Context {
  std::optional<std::filesystem::path> workspace{};  ///< -C
  bool json = false;                                 ///< --json
  std::optional<int> passphrase_fd{};                ///< --passphrase-fd: of the online keys
  std::optional<int> holder_passphrase_fd{};         ///< --holder-passphrase-fd: one line a holder
  std::optional<int> pin_fd{};                       ///< --pin-fd: of tokens, one line each
  int exit_code = 0;
};

/// The workspace that -C, COTTER_WORKSPACE or the current folder names.
inline Result<app::Workspace> open_workspace(const Context& context) {
  return app::Workspace::find(context.workspace);
}

/// Where the passphrases come from, for verbs that need a new one: see host::read_new_passphrase().
host::PassphraseSource workspace_source(const Context& context);
host::PassphraseSource holder_source(const Context& context, const std::string& holder);

/// Of the online keys and the CA: --passphrase-fd, COTTER_PASSPHRASE, or a prompt.
Result<crypto::Secret> workspace_passphrase(const Context& context);

/// The PIN of a token: --pin-fd or a prompt.
keystore::AskPin ask_pin(const Context& context);
/// Both ask only where a key needs it, and must not outlive `context`.
keystore::Unlock workspace_unlock(const Context& context);
/// Of the holder whose folder is named, for the prompt: --holder-passphrase-fd, COTTER_PASSPHRASE_HOLDER, or
/// a prompt.
keystore::Unlock holder_unlock(const Context& context, const std::string& holder);

using host::finish;

}  // namespace cotter::cli
