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

Result<crypto::Secret> holder_passphrase(const Context& context, const std::string& holder) {
  return host::read_passphrase(holder_source(context, holder));
}

}  // namespace cotter::cli
