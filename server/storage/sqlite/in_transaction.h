// Work that is one step, whether or not its caller has a transaction open.
// Never commits a caller's transaction. As Db: one thread at a time.
#pragma once

#include "common/base/result.h"
#include "common/host/sqlite.h"

namespace cotter::storage {

/// Runs `work` in the caller's transaction, or else in one of its own, committed when `work` went well.
/// Errors: those of `work`; Faults of a write.
template <class Work>
auto in_transaction(host::Db& db, const Work& work) -> decltype(work()) {
  if (db.in_transaction()) return work();
  host::Transaction transaction = TRY(host::Transaction::begin(db));
  auto result = work();
  if (result) TRY(transaction.commit());
  return result;
}

}  // namespace cotter::storage
