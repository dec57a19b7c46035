// The ledger in SQLite: entries, the hashes of complete subtrees over them, and signed checkpoints.
// Never rewrites or drops an entry; never judges what it reads: that is app::verify_ledger(). Belongs to its
// Db's thread. Every function's Faults: those of a read or write (Busy, NoSpace, Denied, Io).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/ledger/entry.h"
#include "server/ledger/merkle.h"

namespace cotter::storage {

/// A row as it stands: the columns may say other things than the body when somebody tampered with them.
struct LedgerRow {
  std::uint64_t index = 0;
  UtcTime time{};
  std::string kind;
  std::string subject;
  Bytes body;
};

struct StoredCheckpoint {
  std::uint64_t size = 0;
  std::string note;
};

/// Which entries are asked for; what is empty does not matter.
struct LedgerFilter {
  std::string kind{};
  std::string subject{};
  std::optional<UtcTime> since{};
  std::uint64_t limit = 0;  ///< the newest so many; 0: all
};

class LedgerStore {
 public:
  explicit LedgerStore(host::Db& db) : db_(&db) {}

  /// Adds the entry, inside a transaction of the caller's: it stands or falls with what it tells of. Its
  /// index. O(log size) reads, two writes of hashes on average. Faults besides: Usage (Entry::encode()), Io
  /// (a hash is missing that was there).
  Result<std::uint64_t> append(const ledger::Entry& entry);

  Result<std::uint64_t> size();
  /// Of a complete subtree. Fault: NotFound (there is none, or somebody took it away).
  Result<ledger::Hash> hash(const ledger::Subtree& subtree);
  /// For ledger::root() and its like; must not outlive the store.
  ledger::HashReader reader();
  /// Fault: NotFound.
  Result<Bytes> body(std::uint64_t index);

  /// In order of index, the oldest first. `visit` may break off by an error, which is handed on.
  Result<void> each(const LedgerFilter& filter, const std::function<Result<void>(const LedgerRow&)>& visit);

  /// Keeps the note as the newest; of the checkpoints of one hour the last stays.
  Result<void> put_checkpoint(std::uint64_t size, const std::string& note, UtcTime now);
  /// That of the greatest size; nothing before the first.
  Result<std::optional<StoredCheckpoint>> newest_checkpoint();
  Result<std::vector<StoredCheckpoint>> checkpoints();  ///< smallest first

 private:
  host::Db* db_;
};

}  // namespace cotter::storage
