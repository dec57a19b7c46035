// Which keys metadata lists that the file before it did not, and the other way round, as the ledger tells of
// it: a key rotated in or out, a supplier's key that comes or goes.
// Never judges a change: a ceremony, or the intake, has. One thread.
#pragma once

#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/model/roles.h"
#include "server/ledger/entry.h"

namespace cotter::app {

/// A key where a file lists it.
struct ListedKey {
  RoleName role;
  KeyId id;
  crypto::PublicKey key;
};

std::vector<ListedKey> keys_listed_by(const model::Root& root);
/// Of bins under the name that theirs begin with.
std::vector<ListedKey> keys_listed_by(const std::optional<model::Delegations>& delegations);

/// A file that is about to be published.
struct NextFile {
  Repository repository = Repository::Image;
  Version version{0};
};

/// Entries for the publication's transaction, by role: which keys it no longer lists, and which it newly
/// does, under the names that the ledger has for them; a supplier's under the supplier's. Faults: Busy, Io.
Result<std::vector<ledger::Entry>> key_changes(host::Db& db, const NextFile& next,
                                               const std::vector<ListedKey>& before,
                                               const std::vector<ListedKey>& after, UtcTime now);

}  // namespace cotter::app
