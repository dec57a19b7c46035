// Tokens of the operations API: made, listed, taken back.
// Never kept, and shown once: to whoever has one made. As Db: one thread at a time.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/secret.h"
#include "common/host/sqlite.h"
#include "server/operations/token.h"

namespace cotter::app {

/// Makes a token for a bearer of that name. The ledger tells of it. Faults: Usage (no identifier; a supplier
/// named for another role, or none for this one), Conflict (the name is taken: names are never given twice,
/// for the ledger tells of them), NotFound (no such supplier), Busy, NoSpace, Io.
Result<crypto::Secret> add_token(host::Db& db, const operations::TokenRecord& token);
/// From here on nobody gets in by it. Faults: NotFound, Busy, NoSpace, Io.
Result<void> revoke_token(host::Db& db, const std::string& name, UtcTime now);

}  // namespace cotter::app
