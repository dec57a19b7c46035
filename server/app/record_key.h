// What the ledger says of a workspace's new key.
// Never makes a key, and never says anything of a holder's: of those the ledger hears from `cotter init`. One
// thread.
#pragma once

#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "common/host/sqlite.h"
#include "common/keystore/key_record.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Of a key that was just made or taken in. The ledger's own signs the ledger at once. Faults: those of
/// `signer`, Busy, NoSpace, Io: the key is there then, and the ledger does not say so.
Result<void> record_online_key(const Workspace& workspace, const keystore::KeyInfo& key,
                               crypto::Signer& signer, UtcTime now);

/// The entry alone, inside a transaction of the caller's. `holder`: "workspace", or whose key it is.
Result<void> record_key(host::Db& db, const keystore::KeyInfo& key, std::string_view holder, UtcTime now);

}  // namespace cotter::app
