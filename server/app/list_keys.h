// Which keys there are and where they lie, from the clear headers of key files.
// Never asks for a passphrase. One thread.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/keystore/key_record.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// The workspace's online keys, then those of the holders' folders that are within reach: below the offline
/// folder that init noted, where it still is there. Faults: Io (a damaged key file), Denied.
Result<std::vector<keystore::KeyInfo>> list_keys(const Workspace& workspace);

/// The one of that name. Fault: NotFound.
Result<keystore::KeyInfo> find_key(const std::vector<keystore::KeyInfo>& keys, std::string_view name);

}  // namespace cotter::app
