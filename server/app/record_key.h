// What the ledger says of keys: made, taken in, put forward for a role, handed on. Whose metadata lists them
// is in key_changes.h. Never makes a key, and takes no note of one for a right. One thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "common/host/sqlite.h"
#include "common/keystore/key_record.h"
#include "server/app/workspace.h"
#include "server/ceremony/key_change.h"
#include "server/ledger/entry.h"

namespace cotter::app {

/// Whose the keys in this folder are: "workspace", or the folder's name.
std::string holder_of(const Workspace& workspace, const std::filesystem::path& folder);

/// One of ledger::kKeyKinds. An empty `holder`, an empty store and a `created` of 0 are not known; where the
/// PIN of a store lies is nobody's business.
ledger::Entry key_event(std::string_view kind, const keystore::KeyInfo& key, std::string_view holder,
                        UtcTime now);

/// The same, inside a transaction of the caller's. Faults: as record().
Result<void> record_key(host::Db& db, std::string_view kind, const keystore::KeyInfo& key,
                        std::string_view holder, UtcTime now);

/// Tells the workspace's ledger of each key that is about to get its record (keystore::BeforeRecord), as of
/// this kind. The workspace must outlive it.
keystore::BeforeRecord recorded_as(std::string_view kind, const Workspace& workspace);

/// Of the keys that a ceremony would take in, those that came with a record. As record_key().
Result<void> record_proposed(host::Db& db, const Workspace& workspace, Repository repository,
                             const ceremony::KeyChange& change, UtcTime now);

/// The ledger's own new key signs the ledger at once. Faults: those of `signer`, Busy, NoSpace, Io: the key
/// is there then, and signs with whatever comes next.
Result<void> sign_with_new_key(const Workspace& workspace, crypto::Signer& signer, UtcTime now);

}  // namespace cotter::app
