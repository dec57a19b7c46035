// The online keys out of the workspace, for a signing process of its own.
// Never removes a key before its copy has been opened; never leaves both under one passphrase. One thread.
#pragma once

#include <filesystem>
#include <optional>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/secret.h"
#include "common/keystore/file_keystore.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Of sealed keys; those on tokens and in TPMs need none.
struct MovePassphrases {
  crypto::Secret old;
  crypto::Secret fresh;
};

/// Seals the workspace's online keys in `to` (made 0700) under the fresh passphrase, takes the records of
/// those on tokens along, and removes keys/. The ledger tells of it before a key is there. Faults: Usage
/// (both passphrases are the same, or none is given where one is needed), Conflict (there are keys in `to`),
/// NotFound (no key in keys/), Denied (wrong passphrase), NoSpace, Io: all is in keys/ still.
Result<void> move_online_keys(const Workspace& workspace, const std::optional<MovePassphrases>& passphrases,
                              const std::filesystem::path& to, UtcTime now, keystore::KdfCost cost = {});

}  // namespace cotter::app
