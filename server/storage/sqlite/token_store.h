// The tokens of the operations API in SQLite, by their SHA-256.
// Never holds a token. Belongs to its Db's thread. Every function's Faults: those of a read or write (Busy,
// NoSpace, Denied, Io).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/host/sqlite.h"
#include "server/operations/token.h"

namespace cotter::storage {

class TokenStore {
 public:
  explicit TokenStore(host::Db& db) : db_(&db) {}

  /// Faults besides: Conflict (the name is taken, or there is no such supplier).
  Result<void> add(const operations::TokenRecord& token, ByteView hash);
  Result<std::optional<operations::TokenRecord>> find_by_hash(ByteView hash);
  Result<std::optional<operations::TokenRecord>> find(const std::string& name);
  Result<std::vector<operations::TokenRecord>> list();  ///< by name
  Result<void> revoke(const std::string& name, UtcTime now);
  /// All of this supplier's that are not yet.
  Result<void> revoke_of(const std::string& supplier, UtcTime now);

 private:
  host::Db* db_;
};

}  // namespace cotter::storage
