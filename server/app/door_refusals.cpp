#include "server/app/door_refusals.h"

#include "server/app/record.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

/// By another process, or by one that was here before.
Result<bool> is_told(host::Db& db, const ledger::Entry& entry, UtcTime day) {
  storage::LedgerFilter filter;
  filter.kind = ledger::kRefusal;
  filter.subject = entry.subject;
  filter.since = day;
  const json::Value* document = entry.details.find("document");
  bool found = false;
  TRY(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
    const auto last = ledger::Entry::decode(row.body);
    const json::Value* other = last ? last->details.find("document") : nullptr;
    if (other != nullptr && last->who == entry.who && *other == *document) found = true;
    return {};
  }));
  return found;
}

Result<void> try_to_tell(host::Db& db, const ledger::Entry& entry, UtcTime day) {
  auto transaction = TRY(host::Transaction::begin(db));
  if (TRY(is_told(db, entry, day))) return {};
  TRY(record(db, entry));
  return transaction.commit();
}

}  // namespace

void DoorRefusals::tell(host::Db& db, const std::string& who, const Refused& what, const Error& why,
                        UtcTime now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  if (day != day_) told_.clear();
  day_ = day;
  const std::pair wish(what.subject, what.document);
  if (told_.contains(wish)) return;
  if (try_to_tell(db, refusal_entry(what, why, who, now), day)) told_.insert(wish);
}

}  // namespace cotter::app
