#include "server/app/offline_keys.h"

#include "common/host/keystore_file.h"
#include "server/keys/holder.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

Fault reachable(const fs::path& where) {
  return {Fault::Kind::Denied, "an offline key is within this server's reach: " + where.string(),
          "move it to its holder's own medium, and start the server without a holder's passphrase"};
}

bool opens(const fs::path& folder, std::span<const crypto::Secret> passphrases) {
  for (const crypto::Secret& passphrase : passphrases) {
    if (host::FileKeystore::open(folder, passphrase)) return true;
  }
  return false;
}

Result<void> refuse_in(const fs::path& keys_dir) {
  const auto keys = host::FileKeystore::list(keys_dir);
  // A machine that only serves files has no keys at all.
  if (!keys && is_fault(keys.error(), Fault::Kind::NotFound)) return {};
  if (!keys) return fail(keys.error());
  for (const host::KeyInfo& key : *keys) {
    if (keys::is_offline_key(key.name)) return fail(reachable(key.file));
  }
  return {};
}

}  // namespace

Result<void> refuse_offline_keys(const Workspace& workspace, std::span<const crypto::Secret> passphrases) {
  TRY(refuse_in(workspace.keys_dir()));
  if (!workspace.settings().offline_dir) return {};
  // A folder that is not there, or does not open, is as it should be.
  std::error_code error;
  for (fs::directory_iterator holder(*workspace.settings().offline_dir, error), end; !error && holder != end;
       holder.increment(error)) {
    if (opens(holder->path(), passphrases)) return fail(reachable(holder->path()));
  }
  return {};
}

}  // namespace cotter::app
