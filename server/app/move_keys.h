// The online keys out of the workspace, for a signing process of its own.
// Never removes a key before its copy has been opened; never leaves both under one passphrase. One thread.
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "common/keystore/file_keystore.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Seals the workspace's online keys in `to` (made 0700) under `new_passphrase`, takes the records of those
/// on tokens along, and removes keys/. Faults: Usage (both passphrases are the same), Conflict (there are
/// keys in `to`), NotFound (no sealed key in keys/), Denied (wrong passphrase), NoSpace, Io: all is in keys/
/// still.
Result<void> move_online_keys(const Workspace& workspace, const crypto::Secret& passphrase,
                              const std::filesystem::path& to, const crypto::Secret& new_passphrase,
                              keystore::KdfCost cost = {});

}  // namespace cotter::app
