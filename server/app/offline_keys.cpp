#include "server/app/offline_keys.h"

#include <unistd.h>

#include <algorithm>

#include "common/keystore/file_keystore.h"
#include "common/keystore/key_folder.h"
#include "server/ceremony/holder.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

Fault reachable(const fs::path& where) {
  return {Fault::Kind::Denied, "an offline key is within this server's reach: " + where.string(),
          "move it to its holder's own medium, and start the server without a holder's passphrase"};
}

/// A token or TPM that lets this process in without asking anybody.
bool has_pin_within_reach(const keystore::KeyInfo& key) {
  const auto source = keystore::pin_source_of(key.store);
  return source && ::access(source->c_str(), R_OK) == 0;
}

bool opens(const fs::path& folder, std::span<const crypto::Secret> passphrases) {
  for (const crypto::Secret& passphrase : passphrases) {
    if (keystore::FileKeystore::open(folder, passphrase)) return true;
  }
  const auto keys = keystore::list_keys(folder);
  return keys && std::any_of(keys->begin(), keys->end(), has_pin_within_reach);
}

Result<void> refuse_in(const fs::path& keys_dir) {
  const auto keys = keystore::list_keys(keys_dir);
  // A machine that only serves files has no keys at all.
  if (!keys && is_fault(keys.error(), Fault::Kind::NotFound)) return {};
  if (!keys) return fail(keys.error());
  for (const keystore::KeyInfo& key : *keys) {
    if (ceremony::is_offline_key(key.name)) return fail(reachable(key.file));
  }
  return {};
}

}  // namespace

Result<void> refuse_offline_keys(const Workspace& workspace, const fs::path& keys_dir,
                                 std::span<const crypto::Secret> passphrases) {
  TRY(refuse_in(keys_dir));
  if (!workspace.settings().offline_dir) return {};
  // A folder that is not there, or does not open, is as it should be.
  std::error_code error;
  for (fs::directory_iterator holder(*workspace.settings().offline_dir, error), end; !error && holder != end;
       holder.increment(error)) {
    if (opens(holder->path(), passphrases)) return fail(reachable(holder->path()));
  }
  return {};
}

Result<void> refuse_online_keys(const Workspace& workspace, std::span<const crypto::Secret> passphrases) {
  if (!opens(workspace.keys_dir(), passphrases)) return {};
  return fault(Fault::Kind::Denied,
               "the online keys are within this server's reach: it can open " +
                   workspace.keys_dir().string() + ", and the signing process alone should",
               "move them to a folder that this account cannot read: cotterd --role sign --keys DIR");
}

}  // namespace cotter::app
