#include "server/storage/sqlite/ledger_store.h"

#include <algorithm>
#include <string_view>

#include "server/storage/sqlite/time_column.h"

namespace cotter::storage {
namespace {

constexpr std::int64_t kSecondsPerHour = 3600;

/// Only the conditions that are asked for, so that SQLite takes the index that fits. Without a limit the rows
/// come as they lie; else the newest that fit are found first, and handed over oldest first.
std::string query_for(const LedgerFilter& filter) {
  std::string rows = "SELECT idx, made_at, kind, subject, body FROM ledger_entry WHERE true";
  if (!filter.kind.empty()) rows += " AND kind = ?1";
  if (!filter.subject.empty()) rows += " AND subject = ?2";
  if (filter.since) rows += " AND made_at >= ?3";
  if (filter.limit == 0) return rows + " ORDER BY idx LIMIT ?4";
  return "SELECT * FROM (" + rows + " ORDER BY idx DESC LIMIT ?4) ORDER BY idx";
}

Error gap(const std::string& what) {
  return Fault{Fault::Kind::NotFound, "the ledger has no " + what,
               "`cotter audit verify` tells whether the log is whole"};
}

/// Who adds an entry asked for none: to him a gap is damage, and no "not found" of what he does.
template <class T>
Result<T> not_missing(Result<T> result) {
  if (result || !is_fault(result.error(), Fault::Kind::NotFound)) return result;
  return fault(Fault::Kind::Io, "the ledger is damaged: " + summary(result.error()),
               "`cotter audit verify` tells where; cotter.db has to come back from a backup");
}

}  // namespace

Result<std::uint64_t> LedgerStore::append(const ledger::Entry& entry) {
  COTTER_ASSERT(db_->in_transaction());
  const Bytes body = TRY(entry.encode());
  const std::uint64_t index = TRY(size());
  const auto completed = TRY(not_missing(ledger::append(index, ledger::leaf_hash(body), reader())));
  TRY(db_->run("INSERT INTO ledger_entry (idx, made_at, kind, subject, body) VALUES (?1, ?2, ?3, ?4, ?5)",
               {index, seconds_of(entry.time), entry.kind, entry.subject, body}));
  for (const ledger::Node& node : completed) {
    TRY(db_->run("INSERT INTO ledger_hash (level, position, hash) VALUES (?1, ?2, ?3)",
                 {std::uint64_t{node.subtree.level}, node.subtree.index, ByteView(node.hash)}));
  }
  return index;
}

Result<std::uint64_t> LedgerStore::size() {
  auto row = TRY(db_->query("SELECT coalesce(max(idx) + 1, 0) FROM ledger_entry"));
  TRY(row.step());
  return row.count(0);
}

Result<ledger::Hash> LedgerStore::hash(const ledger::Subtree& subtree) {
  auto row = TRY(db_->query("SELECT hash FROM ledger_hash WHERE level = ?1 AND position = ?2",
                            {std::uint64_t{subtree.level}, subtree.index}));
  if (!TRY(row.step())) {
    return fail(gap("hash " + std::to_string(subtree.index) + " of level " + std::to_string(subtree.level)));
  }
  const Bytes bytes = row.blob(0);
  COTTER_ASSERT(bytes.size() == ledger::kHashSize);  // the table admits no other
  ledger::Hash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

ledger::HashReader LedgerStore::reader() {
  return [this](const ledger::Subtree& subtree) { return hash(subtree); };
}

Result<Bytes> LedgerStore::body(std::uint64_t index) {
  auto row = TRY(db_->query("SELECT body FROM ledger_entry WHERE idx = ?1", {index}));
  if (!TRY(row.step())) return fail(gap("entry " + std::to_string(index)));
  return row.blob(0);
}

Result<void> LedgerStore::each(const LedgerFilter& filter,
                               const std::function<Result<void>(const LedgerRow&)>& visit) {
  const std::optional<std::int64_t> since =
      filter.since ? std::optional(seconds_of(*filter.since)) : std::nullopt;
  const std::int64_t limit = filter.limit == 0 ? -1 : static_cast<std::int64_t>(filter.limit);
  auto row = TRY(db_->query(query_for(filter), {filter.kind, filter.subject, since, limit}));
  while (TRY(row.step())) {
    TRY(visit(LedgerRow{row.count(0), time_at(row, 1), row.text(2), row.text(3), row.blob(4)}));
  }
  return {};
}

Result<void> LedgerStore::put_checkpoint(std::uint64_t size, const std::string& note, UtcTime now) {
  return db_->run("INSERT OR REPLACE INTO ledger_checkpoint (hour, size, note) VALUES (?1, ?2, ?3)",
                  {seconds_of(now) / kSecondsPerHour, size, note});
}

Result<std::optional<StoredCheckpoint>> LedgerStore::newest_checkpoint() {
  auto row = TRY(db_->query("SELECT size, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1"));
  if (!TRY(row.step())) return std::optional<StoredCheckpoint>();
  return std::optional(StoredCheckpoint{row.count(0), row.text(1)});
}

Result<std::vector<StoredCheckpoint>> LedgerStore::checkpoints() {
  auto row = TRY(db_->query("SELECT size, note FROM ledger_checkpoint ORDER BY size, hour"));
  std::vector<StoredCheckpoint> all;
  while (TRY(row.step())) all.push_back({row.count(0), row.text(1)});
  return all;
}

}  // namespace cotter::storage
