#include "server/app/offline_keys.h"

#include "common/host/keystore_file.h"
#include "server/keys/holder.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

Fault reachable(const fs::path& where) {
  return {Fault::Kind::Denied, "an offline key is within this server's reach: " + where.string(),
          "move it to its holder's own medium, and give each holder a passphrase of their own"};
}

}  // namespace

Result<void> refuse_offline_keys(const Workspace& workspace, const crypto::Secret& passphrase) {
  for (const host::KeyInfo& key : TRY(host::FileKeystore::list(workspace.keys_dir()))) {
    if (keys::is_offline_key(key.name)) return fail(reachable(key.file));
  }
  if (!workspace.settings().offline_dir) return {};
  std::error_code error;
  for (const auto& holder : fs::directory_iterator(*workspace.settings().offline_dir, error)) {
    // A folder that is not there, or does not open, is as it should be.
    if (host::FileKeystore::open(holder.path(), passphrase)) return fail(reachable(holder.path()));
  }
  return {};
}

}  // namespace cotter::app
