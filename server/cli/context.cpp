#include "server/cli/context.h"

namespace cotter::cli {
namespace {

constexpr const char* kWorkspaceVariable = "COTTER_PASSPHRASE";
constexpr const char* kHolderVariable = "COTTER_PASSPHRASE_HOLDER";

}  // namespace

host::PassphraseSource workspace_source(const Context& context) {
  return {context.passphrase_fd, kWorkspaceVariable, "Passphrase of the workspace"};
}

host::PassphraseSource holder_source(const Context& context, const std::string& holder) {
  return {context.holder_passphrase_fd, kHolderVariable, "Passphrase of " + holder};
}

Result<crypto::Secret> workspace_passphrase(const Context& context) {
  return host::read_passphrase(workspace_source(context));
}

keystore::AskPin ask_pin(const Context& context) {
  return {[&context](const std::string& token) {
            return host::read_passphrase({context.pin_fd, "", "PIN of token " + token});
          },
          !context.pin_fd};
}

keystore::Unlock workspace_unlock(const Context& context) {
  return {[&context] { return workspace_passphrase(context); }, ask_pin(context)};
}

keystore::Unlock holder_unlock(const Context& context, const std::string& holder) {
  return {[source = holder_source(context, holder)] { return host::read_passphrase(source); },
          ask_pin(context)};
}

}  // namespace cotter::cli
