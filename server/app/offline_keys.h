// The server must not be able to sign what only holders may (product: offline keys are not in the workspace).
// Never opens a key for use. One thread.
#pragma once

#include <span>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Looks for an offline key that this process could use: one in the workspace's keys/, or a holder's folder,
/// where init said they are, that opens with one of the passphrases that this process was given, or by a
/// token's PIN in a file that it can read. Fault: Denied, naming it.
Result<void> refuse_offline_keys(const Workspace& workspace, std::span<const crypto::Secret> passphrases);

}  // namespace cotter::app
