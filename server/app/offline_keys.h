// No process may be able to sign what only others may: holders (product: offline keys are not in the
// workspace), or the signing process.
// Never opens a key for use. One thread.
#pragma once

#include <filesystem>
#include <span>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Looks for an offline key that this process could use: one in `keys_dir`, or a holder's folder,
/// where init said they are, that opens with one of the passphrases that this process was given, or by a
/// token's PIN in a file that it can read. Fault: Denied, naming it.
Result<void> refuse_offline_keys(const Workspace& workspace, const std::filesystem::path& keys_dir,
                                 std::span<const crypto::Secret> passphrases);

/// For a process that has another sign: whether the workspace's keys/ opens with one of the passphrases that
/// it was given, or by a token's PIN that it can read. Fault: Denied, naming it.
Result<void> refuse_online_keys(const Workspace& workspace, std::span<const crypto::Secret> passphrases);

}  // namespace cotter::app
